private import CLinux
private import Memory

/// Files that are read at once or written at the end, by a thread that may wait for them.
public enum TextFile {
  /// The whole of a file.
  ///
  /// - Parameter limit: in bytes; a longer file is an error (EFBIG), so that a wrong path, such
  ///   as a device, costs no memory.
  public static func read(_ path: String, limit: Int) throws(SystemError) -> String {
    let file = Descriptor(owning: try unsafe Syscalls.check(clinux_open_to_read(path), "open"))
    return String(decoding: try read(file, limit), as: UTF8.self)
  }

  /// The bytes of a file that lies on a disk: nil of a pipe, a device and their like, which might
  /// keep whoever reads them waiting.
  public static func readRegular(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
    let file = Descriptor(owning: try unsafe Syscalls.check(clinux_open_at_once(path), "open"))
    guard try Syscalls.status(of: file).isRegular else {
      // A directory says so itself.
      return kind(of: path) == .directory ? try read(file, limit) : nil
    }
    return try read(file, limit)
  }

  private static func read(
    _ file: borrowing Descriptor, _ limit: Int
  ) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    // Files of /proc tell no size: read until there is no more.
    var buffer = ByteBuffer(capacity: min(limit + 1, 64 << 10))
    while true {
      let number = file.number
      let n = unsafe buffer.fill { room in
        let n = unsafe clinux_read(number, room.baseAddress, room.count)
        return (count: Int(max(n, 0)), result: Int(n))
      }
      guard try Syscalls.check(n, "read") > 0 else { break }
      guard bytes.count + n <= limit else { throw SystemError(call: "read", errno: EFBIG) }
      for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
      buffer.clear()
    }
    return bytes
  }

  /// Opens a file to write at its end, and creates it if it is missing.
  public static func openToAppend(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try unsafe Syscalls.check(clinux_open_to_append(path), "open"))
  }

  /// Makes a file, in the place of an older one of that name.
  ///
  /// - Parameter isSecret: nobody but its owner may read it.
  public static func write(
    _ text: String, to path: String, isSecret: Bool = false
  ) throws(SystemError) {
    let number = unsafe clinux_open_to_write(path, isSecret ? 0o600 : 0o644)
    let file = Descriptor(owning: try Syscalls.check(number, "open"))
    let bytes = Array(text.utf8)
    _ = try append(bytes.span, to: file)
  }

  /// The stream that the process was started with, to be owned beside others.
  public enum Standard: CInt, Sendable {
    case output = 1
    case error = 2
  }

  public static func open(_ stream: Standard) throws(SystemError) -> Descriptor {
    Descriptor(owning: try Syscalls.check(clinux_duplicate(stream.rawValue), "fcntl"))
  }

  /// Writes all of `bytes` at the end of a file, a pipe or a terminal, and waits for them to be
  /// taken, even if somebody else who holds the stream has made it non-blocking.
  ///
  /// - Parameter patience: milliseconds to wait before anything is written, -1 without end.
  /// - Returns: False when patience has run out: nothing was written.
  public static func append(
    _ bytes: Span<UInt8>, to file: borrowing Descriptor, patience: Int = -1
  ) throws(SystemError) -> Bool {
    let fd = file.number
    var done = 0
    while done < bytes.count {
      let wait = done == 0 ? CInt(clamping: patience) : -1
      guard try Syscalls.check(clinux_wait_writable(fd, wait), "poll") > 0 else { return false }
      let n = unsafe bytes.withUnsafeBytes { bytes in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
        return Int(unsafe clinux_write(fd, rest.baseAddress, rest.count))
      }
      if n == -Int(EAGAIN) { continue }
      done += try Syscalls.check(n, "write")
    }
    return true
  }

  /// What a path leads to, symbolic links followed.
  public enum Kind: CInt, Sendable {
    case nothing = 0
    case directory = 1
    case file = 2
    case other = 3
    case danglingLink = 4
  }

  public static func kind(of path: String) -> Kind {
    Kind(rawValue: unsafe clinux_path_kind(path)) ?? .nothing
  }

  /// What a symbolic link says, PATH_MAX bytes of it at most.
  public static func target(ofLink path: String) throws(SystemError) -> String {
    var buffer = ByteBuffer(capacity: 4096)
    let n = unsafe buffer.fill { room in
      let n = unsafe clinux_read_link(path, room.baseAddress, room.count)
      return (count: max(n, 0), result: n)
    }
    _ = try Syscalls.check(n, "readlink")
    return text(buffer.readable)
  }

  /// The names of what is in a directory, in no order.
  ///
  /// - Parameter limit: of the bytes of all names; more of them are an error (ERANGE).
  public static func names(in directory: String, limit: Int) throws(SystemError) -> [String] {
    var buffer = ByteBuffer(capacity: limit)
    let n = unsafe buffer.fill { room in
      let n = unsafe clinux_list_names(directory, room.baseAddress, room.count)
      return (count: max(n, 0), result: n)
    }
    _ = try Syscalls.check(n, "readdir")
    return text(buffer.readable).split(separator: "\0").map(String.init)
      .filter { $0 != "." && $0 != ".." }
  }

  private static func text(_ bytes: Span<UInt8>) -> String {
    var text: [UInt8] = []
    for i in bytes.indices { text.append(bytes[i]) }
    return String(decoding: text, as: UTF8.self)
  }
}
