import HTTP
import Memory
import Network
import Reactor

@testable import Demo

/// A client with patience for one connection.
struct Client: ~Copyable {
  struct Answer: Equatable {
    var status: Int
    var body: String
  }

  /// The connection ended where an answer or a frame was due.
  struct Ended: Error {}

  private let socket: Descriptor
  private var received = ByteBuffer(capacity: 256 << 10)

  init(_ address: SocketAddress) throws {
    socket = try Sockets.connected(to: address, timeout: 10_000)
  }

  /// Whether the server has ended the connection.
  mutating func hasEnded() -> Bool {
    guard let result = try? Syscalls.receive(from: socket, into: &received) else { return true }
    return result == .endOfStream
  }

  /// Whether nothing has come since the last answer.
  var isSilent: Bool { Syscalls.isSilent(socket) }

  // MARK: HTTP

  mutating func send(_ text: String) throws {
    try Syscalls.sendAll(text.utf8.span, to: socket)
  }

  mutating func ask(_ line: String, body: String? = nil, fields: String = "") throws -> Answer {
    let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
    try send("\(line) HTTP/1.1\r\nHost: demo\r\n\(length)\(fields)\r\n\(body ?? "")")
    return try answer()
  }

  mutating func answer(to method: HTTP.Method = .get) throws -> Answer {
    var head = ResponseHead()
    while try !head.parse(received.readable, limits: HeadLimits(), requestMethod: method) {
      try receive()
    }
    let status = Int(head.status)
    received.consume(head.length)
    guard case .length(let length) = head.framing else { return Answer(status: status, body: "") }
    return Answer(status: status, body: try take(Int(length)))
  }

  private mutating func receive() throws {
    received.compact()
    guard case .bytes = try Syscalls.receive(from: socket, into: &received) else { throw Ended() }
  }

  private mutating func take(_ count: Int) throws -> String {
    while received.count < count { try receive() }
    let bytes = (0..<count).map { received.readable[$0] }
    received.consume(count)
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: WebSocket

  mutating func upgrade(_ target: String) throws -> Answer {
    try ask(
      "GET \(target)",
      fields: """
        Connection: Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r

        """)
  }

  mutating func send(
    frame opcode: WebSocketFrame.Opcode, _ text: String, isFinal: Bool = true,
    mask: UInt32? = 0x1234_5678
  ) throws {
    let payload = Array(text.utf8)
    let frame = WebSocketFrame(
      opcode, isFinal: isFinal, mask: mask, payloadCount: UInt64(payload.count))
    var buffer = ByteBuffer(capacity: WebSocketFrame.lengthLimit + payload.count)
    frame.write(to: &buffer)
    WebSocketFrame.append(payload.span, mask: mask ?? 0, to: &buffer)
    try Syscalls.sendAll(buffer.readable, to: socket)
  }

  mutating func frame() throws -> (opcode: WebSocketFrame.Opcode, text: String) {
    while true {
      if let frame = try WebSocketFrame.parse(received.readable) {
        received.consume(frame.length)
        return (frame.opcode, try take(Int(frame.payloadCount)))
      }
      try receive()
    }
  }

  /// The text of the next frame that is not a tick.
  mutating func packet() throws -> String {
    while true {
      let text = try frame().text
      if !text.hasPrefix("42[\"tick\"") { return text }
    }
  }
}
