import HTTP
import Memory
import Reactor

/// A browser's connection to Socket.IO: Engine.IO 4 over WebSocket from the start. It joins the
/// default namespace, answers pings and takes events.
struct EngineClient: ~Copyable {
  enum State: UInt8 { case connecting, shaking, open }

  /// What came.
  enum Arrival {
    case nothing
    /// It has joined.
    case joined
    /// An event, and when its sender says that it was sent (nanoseconds, monotonic).
    case event(Instant?)
  }

  var transport: Transport
  private(set) var state = State.connecting
  /// The server has let it into the namespace.
  private(set) var hasJoined = false
  private var input = ByteBuffer(capacity: 16 << 10)
  private var output = ByteBuffer(capacity: 4 << 10)
  private var reader = AnswerReader()

  init(_ socket: consuming Descriptor) {
    transport = Transport(socket, isWritable: false)
  }

  /// The request that asks for the upgrade (RFC 6455 §4.1). All clients have one key: nobody
  /// looks at it but to answer it.
  static func handshake(_ target: String, fields: [(String, String)]) -> Request {
    Request(
      .get, target,
      fields: fields + [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
      ])
  }

  /// The connection stands: asks for the upgrade.
  mutating func begin(_ handshake: Span<UInt8>) throws(SystemError) {
    output.append(handshake)
    state = .shaking
    try flush()
  }

  mutating func flush() throws(SystemError) {
    while !output.isEmpty, transport.isWritable { _ = try transport.send(&output) }
  }

  /// Reads once more, unless something has been read and not yet been looked at.
  ///
  /// - Returns: false when nothing more is here.
  mutating func receive() throws(Failure) -> Bool {
    guard transport.isReadable else { return false }
    if input.isEmpty { input.clear() } else { input.compact() }
    guard input.space > 0 else { throw .malformed }
    switch transport.receive(into: &input) {
    case .bytes: return true
    case .wouldBlock: return false
    case .endOfStream, .failed: throw .connection
    }
  }

  /// The next thing that came; nil when it is not all here.
  mutating func next(_ head: inout ResponseHead) throws(Failure) -> Arrival? {
    if state == .shaking {
      guard let answer = try readAnswer(&head) else { return nil }
      guard answer.isWebSocket else { throw .status }
      state = .open
    }
    guard let frame = try readFrame() else { return nil }
    let count = frame.length + Int(clamping: frame.payloadCount)
    guard count <= input.count else { return nil }
    let arrival = try take(frame)
    input.skip(count)
    return arrival
  }

  private mutating func readAnswer(_ head: inout ResponseHead) throws(Failure) -> Answer? {
    do throws(Malformed) { return try reader.read(&input, method: .get, head: &head) } catch {
      throw .malformed
    }
  }

  private func readFrame() throws(Failure) -> WebSocketFrame? {
    do throws(Malformed) { return try WebSocketFrame.parse(input.readable) } catch {
      throw .malformed
    }
  }

  /// Answers a frame that is all here as a browser's library does.
  private mutating func take(_ frame: WebSocketFrame) throws(Failure) -> Arrival {
    switch frame.opcode {
    case .ping: try say("", .pong)
    case .close: throw .connection
    case .pong, .binary, .continuation: break
    case .text:
      switch packet(in: frame) {
      case .open: try say("40")
      case .connect:
        hasJoined = true
        return .joined
      case .ping: try say("3")
      case .event(let sentAt): return .event(sentAt)
      case .other: break
      }
    }
    return .nothing
  }

  private func packet(in frame: WebSocketFrame) -> Packet {
    Packet(
      input.readable.extracting(frame.length..<frame.length + Int(clamping: frame.payloadCount)))
  }

  private mutating func say(
    _ text: StaticString, _ opcode: WebSocketFrame.Opcode = .text
  ) throws(Failure) {
    let count = text.utf8CodeUnitCount
    guard output.space >= WebSocketFrame.lengthLimit + count else { throw .connection }
    // Masked with zeros: nothing between here and the server can tell (RFC 6455 §5.3 asks for
    // chance, against attacks that we do not run).
    WebSocketFrame(opcode, mask: 0, payloadCount: UInt64(count)).write(to: &output)
    output.append(text)
    do throws(SystemError) { try flush() } catch { throw .connection }
  }

  /// What a message of Engine.IO 4 is, and inside of it one of Socket.IO 5.
  private enum Packet {
    case open, ping, connect, other
    /// When its sender says that it was sent.
    case event(Instant?)

    init(_ payload: Span<UInt8>) {
      guard payload.count > 0 else {
        self = .other
        return
      }
      switch (payload[0], payload.count > 1 ? payload[1] : 0) {
      case (UInt8(ascii: "0"), _): self = .open
      case (UInt8(ascii: "2"), _): self = .ping
      case (UInt8(ascii: "4"), UInt8(ascii: "0")): self = .connect
      case (UInt8(ascii: "4"), UInt8(ascii: "2")): self = .event(Self.lastNumber(in: payload))
      case (_, _): self = .other
      }
    }

    /// `["tick",1234]` says 1234.
    private static func lastNumber(in payload: Span<UInt8>) -> Instant? {
      var end = payload.count
      while end > 0, !isDigit(payload[end - 1]) { end -= 1 }
      var start = end
      while start > 0, isDigit(payload[start - 1]) { start -= 1 }
      guard (1...19).contains(end - start) else { return nil }
      var number: Instant = 0
      for i in start..<end { number = number * 10 + Instant(payload[i] - UInt8(ascii: "0")) }
      return number
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
  }
}
