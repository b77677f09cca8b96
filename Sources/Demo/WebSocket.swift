import HTTP
import Memory

/// The server's end of one WebSocket (RFC 6455): text messages, no extensions.
struct WebSocket {
  private let connection: Connection
  /// The frame whose payload is being read, and how much of it is.
  private var frame: WebSocketFrame?
  private var offset = 0
  /// The payload of the control frame that is being read: it may come between two fragments.
  private var control: [UInt8] = []
  /// The fragments so far of the message that is being read.
  private var message: [UInt8] = []
  private var isInMessage = false

  /// Answers the handshake with 101 (§4.2.2); nil when there is nothing to accept, and nothing
  /// has been sent then.
  init?(accepting request: Request, over connection: Connection) {
    guard request["Sec-WebSocket-Version"] == "13", let key = request["Sec-WebSocket-Key"]
    else { return nil }
    let head = """
      HTTP/1.1 101 Switching Protocols\r
      Upgrade: websocket\r
      Connection: Upgrade\r
      Sec-WebSocket-Accept: \(Self.accept(key))\r
      \r

      """
    guard connection.send(Array(head.utf8)) else { return nil }
    self.connection = connection
  }

  /// What proves that the handshake was understood (§4.2.2).
  static func accept(_ key: String) -> String {
    base64(SHA1.digest(of: (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8.span))
  }

  /// Sends each as one text message; false when the connection has ended.
  func send(_ messages: [String]) -> Bool {
    messages.isEmpty || connection.send(messages.flatMap { Self.bytes(.text, Array($0.utf8)) })
  }

  /// Reads all that is in `buffer`; answers the messages that are complete.
  ///
  /// - Returns: nil when the client has said good-bye or what does not fit the protocol; the
  ///   connection is to be closed then.
  mutating func read(_ buffer: inout ByteBuffer) -> [String]? {
    var messages: [String] = []
    while true {
      guard let frame else {
        do throws(Malformed) {
          guard let next = try WebSocketFrame.parse(buffer.readable) else { return messages }
          guard accepts(next) else { return nil }
          frame = next
          offset = 0
          buffer.consume(next.length)
        } catch {
          return nil
        }
        continue
      }
      let count = min(Int(frame.payloadCount) - offset, buffer.count)
      take(count, of: frame, from: &buffer)
      guard offset == Int(frame.payloadCount) else { return messages }
      self.frame = nil
      guard finish(frame, into: &messages) else { return nil }
    }
  }

  private func accepts(_ frame: WebSocketFrame) -> Bool {
    // §5.1: clients mask. §5.4: a message ends before the next begins.
    guard frame.mask != nil else { return false }
    switch frame.opcode {
    case .text, .binary: guard !isInMessage else { return false }
    case .continuation: guard isInMessage else { return false }
    case .close, .ping, .pong: return true
    }
    return frame.payloadCount <= UInt64(EngineSession.payloadBytesLimit - message.count)
  }

  private mutating func take(
    _ count: Int, of frame: WebSocketFrame, from buffer: inout ByteBuffer
  ) {
    let mask = frame.mask ?? 0
    for i in 0..<count {
      let byte =
        buffer.readable[i] ^ UInt8(truncatingIfNeeded: mask >> UInt32((offset + i) % 4 * 8))
      if frame.opcode.isControl { control.append(byte) } else { message.append(byte) }
    }
    offset += count
    buffer.consume(count)
  }

  /// The frame's payload is all here. False when the connection is over.
  private mutating func finish(_ frame: WebSocketFrame, into messages: inout [String]) -> Bool {
    switch frame.opcode {
    case .text, .continuation, .binary:
      isInMessage = !frame.isFinal
      guard frame.isFinal else { return true }
      messages.append(String(decoding: message, as: UTF8.self))
      message = []
      return true
    case .ping, .close:
      defer { control = [] }
      // §5.5.1: a close is answered with the same status.
      let answer: WebSocketFrame.Opcode = frame.opcode == .ping ? .pong : .close
      return connection.send(Self.bytes(answer, control)) && frame.opcode == .ping
    case .pong:
      control = []
      return true
    }
  }

  private static func bytes(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8]) -> [UInt8] {
    let frame = WebSocketFrame(opcode, payloadCount: UInt64(payload.count))
    var head = ByteBuffer(capacity: WebSocketFrame.lengthLimit)
    frame.write(to: &head)
    var bytes: [UInt8] = []
    for i in head.readable.indices { bytes.append(head.readable[i]) }
    return bytes + payload
  }
}
