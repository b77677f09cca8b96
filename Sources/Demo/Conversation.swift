import HTTP
import Memory

/// The requests of one connection, one after the other, read by the same parsers as Martlet's.
struct Conversation: ~Copyable {
  let connection: Connection
  /// What has come and is not read yet.
  var received = ByteBuffer(capacity: 64 << 10)
  private var head = RequestHead()
  private let limits = HeadLimits()

  init(over connection: Connection) {
    self.connection = connection
  }

  /// The next request with its body; nil at the end of the connection. A request that cannot be
  /// read is answered here, and is the last.
  mutating func next() -> Request? {
    do {
      while try !Self.read(&head, from: received, limits) {
        guard connection.receive(into: &received) else { return nil }
      }
    } catch {
      return refuse(Int(error.status), "\(error.reason)")
    }
    var request = described()
    let framing = head.framing
    received.consume(head.length)
    if head.expectsContinue, !connection.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) {
      return nil
    }
    switch framing {
    case .none: break
    case .length(let length):
      guard length <= UInt64(EngineSession.payloadBytesLimit) else {
        return refuse(413, "the body is too long")
      }
      while request.body.count < Int(length) {
        if received.isEmpty, !connection.receive(into: &received) { return nil }
        take(min(Int(length) - request.body.count, received.count), into: &request.body)
      }
    case .chunked:
      guard readChunks(into: &request.body) else {
        return refuse(400, "the body is malformed or too long")
      }
    }
    return request
  }

  private static func read(
    _ head: inout RequestHead, from received: borrowing ByteBuffer, _ limits: HeadLimits
  ) throws(Refusal) -> Bool {
    try head.parse(received.readable, limits: limits)
  }

  /// False when the chunks are malformed, too long, or end too early.
  private mutating func readChunks(into body: inout [UInt8]) -> Bool {
    var decoder = ChunkedDecoder()
    var position = 0
    while true {
      guard let event = try? decoder.next(received.readable, at: &position) else { return false }
      switch event {
      case .data(let slice):
        let readable = received.readable
        for i in slice.range { body.append(readable[i]) }
        guard body.count <= EngineSession.payloadBytesLimit else { return false }
      case .trailer: break
      case .needsMore:
        received.consume(position)
        position = 0
        guard connection.receive(into: &received) else { return false }
      case .end:
        received.consume(position)
        return true
      }
    }
  }

  private mutating func take(_ count: Int, into bytes: inout [UInt8]) {
    for i in 0..<count { bytes.append(received.readable[i]) }
    received.consume(count)
  }

  private func refuse(_ status: Int, _ words: String) -> Request? {
    _ = connection.send(Response.problem(status, words).bytes(isPersistent: false))
    return nil
  }

  private func described() -> Request {
    let query = head.query.map { text($0) } ?? ""
    var pairs: [String: String] = [:]
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      pairs[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
    }
    var fields: [(name: String, value: String)] = []
    for i in 0..<head.fields.count {
      fields.append((text(head.fields[i].name), text(head.fields[i].value)))
    }
    return Request(
      method: text(head.methodSlice), target: text(head.target), path: text(head.path),
      query: pairs, fields: fields, body: [], isPersistent: head.isPersistent,
      upgradesToWebSocket: head.upgradesToWebSocket)
  }

  private func text(_ slice: Slice) -> String {
    let bytes = received.readable
    return String(decoding: slice.range.map { bytes[$0] }, as: UTF8.self)
  }
}
