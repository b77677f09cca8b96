import Glibc
import Reactor

/// A folder of a test's own, removed with what is in it.
final class ScratchFolder {
  let path: String

  init() {
    var template = Array("/tmp/martlet-test.XXXXXX".utf8CString)
    path = unsafe template.withUnsafeMutableBufferPointer { bytes in
      guard let base = bytes.baseAddress, let made = unsafe mkdtemp(base) else { return "/tmp" }
      return unsafe String(cString: made)
    }
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, to name: String) {
    _ = unsafe remove(path(name))
    guard let file = try? TextFile.openToAppend(path(name)) else { return }
    try? Syscalls.writeAll(text.utf8.span, to: file)
  }

  func move(_ name: String, to other: String) { _ = unsafe rename(path(name), path(other)) }

  deinit {
    for name in names { _ = unsafe remove(path(name)) }
    _ = unsafe rmdir(path)
  }

  private var names: [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
