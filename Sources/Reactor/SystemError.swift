internal import CLinux

/// What the kernel refused, and why.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The call's name as its manual page has it.
  public let call: StaticString
  public let errno: CInt

  public init(call: StaticString, errno: CInt) {
    self.call = call
    self.errno = errno
  }

  public static func == (a: SystemError, b: SystemError) -> Bool {
    a.errno == b.errno && a.call.description == b.call.description
  }

  /// The reason in words: `Connection refused`.
  public var reason: String {
    unsafe Self.text { bytes, count in unsafe clinux_error_text(errno, bytes, count) }
  }

  /// `ECONNREFUSED`
  public var name: String {
    unsafe Self.text { bytes, count in unsafe clinux_error_name(errno, bytes, count) }
  }

  /// `connect: Connection refused (ECONNREFUSED)`
  public var description: String { "\(call): \(reason) (\(name))" }

  private static func text(_ write: (UnsafeMutablePointer<CChar>?, Int) -> CInt) -> String {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 128) { space, count in
      let room = space.count
      count = unsafe space.withMemoryRebound(to: CChar.self) { space in
        Int(unsafe write(space.baseAddress, room))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // What callers tell apart.
  public static let inputOutput = CInt(EIO)
  public var isOutOfDescriptors: Bool { errno == EMFILE || errno == ENFILE }
  public var isNotFound: Bool { errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG }
  /// The machine has no IPv6 (or no IPv4), or no address of it.
  public var isFamilyMissing: Bool { errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL }
  public var isAddressInUse: Bool { errno == EADDRINUSE }
}
