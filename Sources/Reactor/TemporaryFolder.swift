private import CLinux
private import Memory

/// A folder that goes, with what was written into it, when its owner lets go.
public struct TemporaryFolder: ~Copyable, Sendable {
  /// Absolute if `parent` was.
  public let path: String
  /// What `deinit` removes, in the order it was made.
  private var folders: [String] = []
  private var files: [String] = []

  /// Makes a folder in `parent` under a name that begins with `prefix`.
  public init(in parent: String = "/tmp", prefix: String) throws(SystemError) {
    path = try Self.unique("\(parent)/\(prefix).XXXXXX")
  }

  private static func unique(_ template: String) throws(SystemError) -> String {
    var name = Array(template.utf8CString)
    try unsafe Syscalls.check(clinux_make_unique_folder(&name), "mkdtemp")
    return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Makes the folder `name`, whose parents are here already.
  public mutating func makeFolder(_ name: String) throws(SystemError) {
    let folder = "\(path)/\(name)"
    try unsafe Syscalls.check(clinux_make_folder(folder), "mkdir")
    folders.append(folder)
  }

  /// Writes the new file `name`, whose folder is here already.
  public mutating func write(_ text: String, to name: String) throws(SystemError) {
    let file = "\(path)/\(name)"
    let descriptor = Descriptor(
      owning: try unsafe Syscalls.check(clinux_create_file(file), "open"))
    files.append(file)
    try Syscalls.writeAll(text.utf8.span, to: descriptor)
  }

  deinit {
    // What somebody else has put here stays, and its folder with it.
    for file in files { _ = unsafe clinux_remove_file(file) }
    for folder in folders.reversed() { _ = unsafe clinux_remove_folder(folder) }
    _ = unsafe clinux_remove_folder(path)
  }
}
