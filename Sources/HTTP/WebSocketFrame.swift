public import Memory

/// What stands before the payload of a WebSocket frame (RFC 6455 §5.2).
public struct WebSocketFrame: Equatable, Sendable {
  public enum Opcode: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    public var isControl: Bool { rawValue >= 8 }
  }

  public var opcode: Opcode
  /// Whether this is the last frame of its message.
  public var isFinal: Bool
  /// RSV1, RSV2, RSV3 as bits 2, 1, 0: for extensions, such as compression.
  public var reserved: UInt8
  /// What the payload is masked with, its first byte lowest; nil when it is not masked. Clients
  /// mask, servers do not (§5.1).
  public var mask: UInt32?
  public var payloadCount: UInt64

  public init(
    _ opcode: Opcode, isFinal: Bool = true, reserved: UInt8 = 0, mask: UInt32? = nil,
    payloadCount: UInt64
  ) {
    precondition(reserved < 8)
    precondition(!opcode.isControl || isFinal && payloadCount <= 125)
    precondition(payloadCount <= UInt64(Int64.max))
    self.opcode = opcode
    self.isFinal = isFinal
    self.reserved = reserved
    self.mask = mask
    self.payloadCount = payloadCount
  }

  /// The most bytes that a frame's head takes.
  public static var lengthLimit: Int { 14 }

  /// Bytes of the head.
  public var length: Int {
    let count = payloadCount < 126 ? 2 : payloadCount < 65536 ? 4 : 10
    return mask == nil ? count : count &+ 4
  }

  /// Reads the head at the front of `bytes`.
  ///
  /// - Parameter reserved: The reserved bits that an extension has given a meaning to.
  /// - Returns: nil when it is not all here yet.
  public static func parse(
    _ bytes: Span<UInt8>, reserved allowed: UInt8 = 0
  ) throws(Malformed) -> WebSocketFrame? {
    guard bytes.count > 0 else { return nil }
    let isFinal = bytes[0] & 0x80 != 0
    let reserved = bytes[0] &>> 4 & 7
    guard reserved & ~allowed == 0 else { throw Malformed(.frameReservedBits, at: 0) }
    guard let opcode = Opcode(rawValue: bytes[0] & 15) else {
      throw Malformed(.frameOpcode, at: 0)
    }
    // RFC 6455 §5.5
    guard isFinal || !opcode.isControl else { throw Malformed(.frameControlFragmented, at: 0) }
    guard bytes.count > 1 else { return nil }
    let short = bytes[1] & 0x7f
    guard short < 126 || !opcode.isControl else { throw Malformed(.frameControlTooLong, at: 1) }

    let size = short == 127 ? 8 : short == 126 ? 2 : 0
    guard bytes.count >= 2 &+ size else { return nil }
    var payloadCount = UInt64(short)
    if size > 0 {
      payloadCount = 0
      for i in 2..<(2 &+ size) { payloadCount = payloadCount &<< 8 | UInt64(bytes[i]) }
      // "the minimal number of bytes MUST be used", "the most significant bit MUST be 0"
      guard payloadCount >= (size == 2 ? 126 : 65536), payloadCount &>> 63 == 0 else {
        throw Malformed(.frameLength, at: 2)
      }
    }
    var mask: UInt32?
    if bytes[1] & 0x80 != 0 {
      guard bytes.count >= 6 &+ size else { return nil }
      var key: UInt32 = 0
      for i in 0..<4 { key |= UInt32(bytes[2 &+ size &+ i]) &<< UInt32(i &* 8) }
      mask = key
    }
    return WebSocketFrame(
      opcode, isFinal: isFinal, reserved: reserved, mask: mask, payloadCount: payloadCount)
  }

  /// - Precondition: `length` bytes of space.
  public func write(to buffer: inout ByteBuffer) {
    buffer.append((isFinal ? 0x80 : 0) | reserved &<< 4 | opcode.rawValue)
    let masked: UInt8 = mask == nil ? 0 : 0x80
    let size: Int
    if payloadCount < 126 {
      buffer.append(masked | UInt8(payloadCount))
      size = 0
    } else {
      size = payloadCount < 65536 ? 2 : 8
      buffer.append(masked | (size == 2 ? 126 : 127))
    }
    for i in 0..<size {
      buffer.append(UInt8(truncatingIfNeeded: payloadCount &>> UInt64((size &- 1 &- i) &* 8)))
    }
    guard let mask else { return }
    for i in 0..<4 { buffer.append(UInt8(truncatingIfNeeded: mask &>> UInt32(i &* 8))) }
  }

  /// Masks or unmasks (it is the same) a part of a payload that begins `offset` bytes into it.
  public static func apply(
    mask: UInt32, to payload: inout MutableSpan<UInt8>, offset: Int = 0
  ) {
    for i in payload.indices { payload[i] ^= maskByte(mask, offset &+ i) }
  }

  /// Appends a part of a payload, masked or unmasked on the way.
  ///
  /// - Precondition: as much space.
  public static func append(
    _ payload: Span<UInt8>, mask: UInt32, offset: Int = 0, to buffer: inout ByteBuffer
  ) {
    for i in payload.indices { buffer.append(payload[i] ^ maskByte(mask, offset &+ i)) }
  }

  @inline(__always) private static func maskByte(_ mask: UInt32, _ i: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: mask &>> UInt32((i & 3) &* 8))
  }
}
