private import CLinux
public import Memory

/// What a file server wants to know of a file, and by which it knows it again.
public struct FileStatus: Equatable, Sendable {
  public let device: UInt64
  public let inode: UInt64
  /// In bytes, 0 … `sizeLimit`.
  public let size: Int
  /// When the content last changed, since 1970. Whoever may write to the file can set it.
  public let modifiedSeconds: Int64
  public let modifiedNanoseconds: UInt32
  /// When anything about the file last changed, since 1970: nobody can set it.
  public let changedSeconds: Int64
  public let changedNanoseconds: UInt32
  public let isRegular: Bool

  /// What counts of a file that is larger.
  public static var sizeLimit: Int { 1 << 62 }

  public init(
    device: UInt64, inode: UInt64, size: Int, modifiedSeconds: Int64, modifiedNanoseconds: UInt32,
    changedSeconds: Int64, changedNanoseconds: UInt32, isRegular: Bool
  ) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modifiedSeconds = modifiedSeconds
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedSeconds = changedSeconds
    self.changedNanoseconds = changedNanoseconds
    self.isRegular = isRegular
  }
}

/// Paths and names are bytes that end with their only NUL.
extension Syscalls {
  /// Opens a file for reading, symbolic links followed. A FIFO opens at once; look at `status`
  /// before reading.
  public static func openFile(_ path: Span<UInt8>) throws(SystemError) -> Descriptor {
    let result = unsafe withText(path) { unsafe clinux_open_file($0) }
    return Descriptor(owning: try check(result, "open"))
  }

  /// Opens a file in `directory`, unless `name` is a symbolic link (`ELOOP`).
  public static func openFile(
    _ name: Span<UInt8>, in directory: borrowing Descriptor
  ) throws(SystemError) -> Descriptor {
    let number = directory.number
    let result = unsafe withText(name) { unsafe clinux_open_file_in(number, $0) }
    return Descriptor(owning: try check(result, "openat"))
  }

  /// A directory to look names up in, symbolic links followed.
  public static func openDirectory(_ path: Span<UInt8>) throws(SystemError) -> Descriptor {
    let result = unsafe withText(path) { unsafe clinux_open_directory($0) }
    return Descriptor(owning: try check(result, "open"))
  }

  /// A directory in another one, unless `name` is a symbolic link (`ENOTDIR`).
  public static func openDirectory(
    _ name: Span<UInt8>, in directory: borrowing Descriptor
  ) throws(SystemError) -> Descriptor {
    let number = directory.number
    let result = unsafe withText(name) { unsafe clinux_open_directory_in(number, $0) }
    return Descriptor(owning: try check(result, "openat"))
  }

  /// What stands at `path`, symbolic links followed.
  public static func status(_ path: Span<UInt8>) throws(SystemError) -> FileStatus {
    var status = clinux_file_status()
    let result = unsafe withText(path) { unsafe clinux_file_status_at($0, &status) }
    try check(result, "stat")
    return FileStatus(status)
  }

  /// What stands under `name` in `directory`; a symbolic link is itself, and so not regular.
  public static func status(
    _ name: Span<UInt8>, in directory: borrowing Descriptor
  ) throws(SystemError) -> FileStatus {
    let number = directory.number
    var status = clinux_file_status()
    let result = unsafe withText(name) { unsafe clinux_file_status_in(number, $0, &status) }
    try check(result, "fstatat")
    return FileStatus(status)
  }

  public static func status(of file: borrowing Descriptor) throws(SystemError) -> FileStatus {
    var status = clinux_file_status()
    try unsafe check(clinux_file_status_of(file.number, &status), "fstat")
    return FileStatus(status)
  }

  /// Whether the file lies on a file system each of whose calls may take its time, or for ever:
  /// a network's, or one that a process answers for.
  public static func isRemote(_ file: borrowing Descriptor) -> Bool {
    clinux_is_remote(file.number)
  }

  /// Appends what the file holds at `offset`, up to the buffer's capacity or to the file's end;
  /// answers how much that was, 0 at the end.
  public static func readSome(
    _ file: borrowing Descriptor, at offset: Int, into buffer: inout ByteBuffer
  ) throws(SystemError) -> Int {
    precondition(buffer.space > 0, "no space would read as the end")
    let number = file.number
    let result = unsafe buffer.fill { room in
      let n = unsafe clinux_pread(number, room.baseAddress, room.count, Int64(offset))
      return (count: max(n, 0), result: n)
    }
    return try check(result, "pread")
  }

  private static func withText(
    _ text: Span<UInt8>, _ body: (UnsafePointer<CChar>) -> CInt
  ) -> CInt {
    precondition(!text.isEmpty && text[text.count - 1] == 0, "the kernel reads up to a NUL")
    return unsafe text.withUnsafeBytes { bytes in
      // At least the NUL is there, so there is a base address.
      unsafe body(bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
  }
}

extension FileStatus {
  fileprivate init(_ status: clinux_file_status) {
    device = status.device
    inode = status.inode
    // Whatever a file system says: sums of places within a file do not overflow.
    size = min(max(Int(status.size), 0), FileStatus.sizeLimit)
    modifiedSeconds = status.modified_seconds
    modifiedNanoseconds = status.modified_nanoseconds
    changedSeconds = status.changed_seconds
    changedNanoseconds = status.changed_nanoseconds
    isRegular = status.is_regular != 0
  }
}

extension SystemError {
  public var isAccessDenied: Bool { errno == EACCES }
  /// The name is there but nothing that can be read as a file: a socket, a device without a
  /// driver, links that lead in a circle or that must not be followed.
  public var isNoFile: Bool { errno == ENXIO || errno == ENODEV || errno == ELOOP }
  /// A network file system has forgotten the file: looking again finds what is there now.
  public var isStale: Bool { errno == ESTALE }
}
