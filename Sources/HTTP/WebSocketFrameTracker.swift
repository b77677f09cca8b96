/// Knows where frames end in the bytes of a WebSocket that pass (RFC 6455 §5.2): it adds up
/// lengths, judges nothing and keeps nothing. Whoever wants to say something of its own, in
/// between, must know.
public struct WebSocketFrameTracker: Sendable {
  private enum State: UInt8 { case opcode, length, extended, mask, payload }

  /// Bytes of the payload that are still to come.
  private var payload: UInt64 = 0
  private var state = State.opcode
  private var isMasked = false
  /// Bytes of the extended length, or of the mask, that are still to come.
  private var left: UInt8 = 0

  public init() {}

  /// The next byte begins a frame.
  public var isAtBoundary: Bool { state == .opcode }

  /// Passes over what comes next; answers where in it the last frame ends that ends there, nil
  /// when none does.
  public mutating func pass(_ bytes: Span<UInt8>) -> Int? {
    var end: Int?
    var i = 0
    while i < bytes.count {
      switch state {
      case .payload:
        let count = min(payload, UInt64(bytes.count &- i))
        payload &-= count
        i &+= Int(count)
        if payload == 0 { state = .opcode }
      case .opcode:
        state = .length
        i &+= 1
      case .length:
        readLength(bytes[i])
        i &+= 1
      case .extended:
        payload = payload &<< 8 | UInt64(bytes[i])
        left &-= 1
        i &+= 1
        if left == 0 { endLength() }
      case .mask:
        left &-= 1
        i &+= 1
        if left == 0 { state = payload == 0 ? .opcode : .payload }
      }
      if state == .opcode { end = i }
    }
    return end
  }

  private mutating func readLength(_ byte: UInt8) {
    isMasked = byte & 0x80 != 0
    let short = byte & 0x7f
    guard short < 126 else {
      payload = 0
      left = short == 126 ? 2 : 8
      state = .extended
      return
    }
    payload = UInt64(short)
    endLength()
  }

  private mutating func endLength() {
    if isMasked {
      left = 4
      state = .mask
    } else {
      state = payload == 0 ? .opcode : .payload
    }
  }
}
