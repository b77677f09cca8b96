import Glibc

/// A folder of its own for one test, gone with its owner.
final class Folder {
  let path: String

  /// The time stamp that files get: Thu, 29 Feb 2024 12:34:56 GMT.
  static let stamp = 1_709_210_096

  init() {
    let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/martlet-files.XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) }
    precondition(unsafe made != nil, "no temporary folder")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Folder.removeAll(path) }

  private static func removeAll(_ path: String) {
    if unsafe unlink(path) == 0 { return }
    if let folder = unsafe opendir(path) {
      while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { removeAll("\(path)/\(name)") }
      }
      _ = unsafe closedir(folder)
    }
    _ = unsafe rmdir(path)
  }

  func makeFolder(_ name: String) {
    check(unsafe mkdir("\(path)/\(name)", 0o755), name)
  }

  /// Writes a file anew, in place.
  func write(_ name: String, _ content: String, stampedAt stamp: Int? = Folder.stamp) {
    write(name, Array(content.utf8), stampedAt: stamp)
  }

  func write(_ name: String, _ content: [UInt8], stampedAt stamp: Int? = Folder.stamp) {
    let file = unsafe open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    check(file, name)
    var done = 0
    while done < content.count {
      let count = unsafe content.withUnsafeBytes { bytes in
        unsafe Glibc.write(file, bytes.baseAddress! + done, content.count - done)
      }
      check(CInt(count), name)
      done += count
    }
    if let stamp {
      let times = [timespec(tv_sec: stamp, tv_nsec: 0), timespec(tv_sec: stamp, tv_nsec: 0)]
      check(unsafe futimens(file, times), name)
    }
    close(file)
  }

  func link(_ name: String, to target: String) {
    check(unsafe symlink(target, "\(path)/\(name)"), name)
  }

  func move(_ name: String, to other: String) {
    check(unsafe rename("\(path)/\(name)", "\(path)/\(other)"), name)
  }

  func remove(_ name: String) {
    check(unsafe unlink("\(path)/\(name)"), name)
  }

  func makeFIFO(_ name: String) {
    check(unsafe mkfifo("\(path)/\(name)", 0o644), name)
  }

  func forbid(_ name: String) {
    check(unsafe chmod("\(path)/\(name)", 0), name)
  }

  func allow(_ name: String) {
    check(unsafe chmod("\(path)/\(name)", 0o755), name)
  }

  private func check(_ result: CInt, _ name: String) {
    precondition(result >= 0, "\(name): errno \(errno)")
  }
}
