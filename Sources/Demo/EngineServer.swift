import Network
import Reactor
import Synchronization

/// A minimal Engine.IO v4 server with Socket.IO v5 inside: handshake, long-polling, upgrade to a
/// WebSocket, WebSocket from the start. Each second it emits `tick` with the instance's name, and
/// it sends back every `hello`.
final class EngineServer: Service {
  /// More sessions than this are refused.
  static let sessionsLimit = 1000
  static let path = "/socket.io"

  private let instance: String
  private let sessions = Mutex<[String: Session]>([:])

  /// A session that the threads of its connections share.
  private final class Session: Sendable {
    let state: Mutex<EngineSession>
    /// Tells the GET that waits of packets that another thread has put out, and of its end.
    let news: Wakeup
    /// Counts the GETs: a new one sends the old one home.
    let polls = Atomic<Int>(0)

    init(_ session: EngineSession) throws(SystemError) {
      state = Mutex(session)
      news = try Wakeup()
    }
  }

  init(instance: String) {
    self.instance = instance
  }

  var sessionCount: Int { sessions.withLock { $0.count } }

  func forget() {
    let forgotten = sessions.withLock { sessions in
      defer { sessions = [:] }
      return Array(sessions.values)
    }
    for session in forgotten {
      session.state.withLock { $0.close() }
      session.news.wake()
    }
  }

  // MARK: Requests

  /// What a request that makes no sense is told (engine.io's server, `errors`).
  private enum Problem: Int {
    case transportUnknown, sessionUnknown, badHandshakeMethod, badRequest, forbidden
    case unsupportedVersion

    var response: Response {
      let words =
        switch self {
        case .transportUnknown: "Transport unknown"
        case .sessionUnknown: "Session ID unknown"
        case .badHandshakeMethod: "Bad handshake method"
        case .badRequest: "Bad request"
        case .forbidden: "Forbidden"
        case .unsupportedVersion: "Unsupported protocol version"
        }
      return .json(json(["code": "\(rawValue)", "message": json(words)]), status: 400)
    }
  }

  func answer(_ request: Request, in conversation: inout Conversation) -> Response? {
    guard request.path == Self.path || request.path == Self.path + "/" else {
      return .problem(404, "only \(Self.path)/ is here")
    }
    guard let name = request.query["transport"],
      let transport = EngineSession.Transport(rawValue: name), transport != .probing
    else { return Problem.transportUnknown.response }
    guard request.query["EIO"] == "4" else { return Problem.unsupportedVersion.response }
    guard (transport == .websocket) == request.upgradesToWebSocket else {
      return Problem.badRequest.response
    }

    guard let id = request.query["sid"] else {
      guard request.method == "GET" else { return Problem.badHandshakeMethod.response }
      guard let session = open(transport) else { return .problem(503, "too many sessions") }
      if transport == .polling { return payload(session) }
      return speak(session, answering: request, in: &conversation)
    }
    guard let session = sessions.withLock({ $0[id] }) else {
      return Problem.sessionUnknown.response
    }
    switch (transport, request.method) {
    case (.polling, "GET"): return poll(session, over: conversation.connection)
    case (.polling, "POST"): return take(request.body, for: session)
    case (.polling, _): return .problem(405, "GET and POST only")
    case (.websocket, _):
      guard session.state.withLock({ $0.probe() }) else { return Problem.badRequest.response }
      session.news.wake()
      return speak(session, answering: request, in: &conversation)
    case (.probing, _): return Problem.transportUnknown.response
    }
  }

  private func open(_ transport: EngineSession.Transport) -> Session? {
    let now = ContinuousClock.now
    return sessions.withLock { sessions in
      // Clients that went without a word are swept out here: no thread waits for them.
      for (id, session) in sessions where session.state.withLock({ now >= $0.expiry }) {
        sessions[id] = nil
      }
      guard sessions.count < Self.sessionsLimit else { return nil }
      var random = SystemRandomNumberGenerator()
      let id = hexadecimal((0..<12).map { _ in UInt8.random(in: 0...255, using: &random) })
      let state = EngineSession(id: id, instance: instance, transport: transport, now: now)
      guard let session = try? Session(state) else { return nil }
      sessions[id] = session
      return session
    }
  }

  private func close(_ session: Session) {
    let id = session.state.withLock { state in
      state.close()
      return state.id
    }
    session.news.wake()
    sessions.withLock { sessions in
      if sessions[id] === session { sessions[id] = nil }
    }
  }

  // MARK: Polling

  /// POST: packets from the client.
  private func take(_ body: [UInt8], for session: Session) -> Response {
    let isClosed = session.state.withLock { state in
      for packet in String(decoding: body, as: UTF8.self).split(separator: separator) {
        state.receive(String(packet))
      }
      return state.isClosed
    }
    session.news.wake()
    guard !isClosed else {
      close(session)
      return Problem.badRequest.response
    }
    return Response(200, "text/html", "ok")
  }

  /// GET: waits for packets to the client.
  private func poll(_ session: Session, over connection: Connection) -> Response? {
    let mine = session.polls.add(1, ordering: .relaxed).newValue
    session.news.wake()
    while true {
      let now = ContinuousClock.now
      let (isReady, isClosed, transport, deadline) = session.state.withLock { state in
        state.advance(to: now)
        return (!state.outbox.isEmpty, state.isClosed, state.transport, state.deadline)
      }
      if isClosed {
        close(session)
        return Problem.badRequest.response
      }
      // A newer GET, or a WebSocket that takes over, sends this one home with no operation.
      if transport != .polling || session.polls.load(ordering: .relaxed) != mine {
        return Response(200, "text/plain; charset=UTF-8", "6")
      }
      if isReady { return payload(session) }
      let readiness = Syscalls.wait(
        for: connection.socket, reading: false, or: session.news,
        milliseconds: milliseconds(from: now, to: deadline))
      if readiness.contains(.woken) { session.news.acknowledge() }
      if readiness.contains(.hungUp) { return nil }
    }
  }

  private func payload(_ session: Session) -> Response {
    let packets = session.state.withLock { $0.takeOutbox() }
    return Response(
      200, "text/plain; charset=UTF-8", packets.joined(separator: String(separator)))
  }

  /// Between the packets of one payload (engine.io-protocol, "Payload encoding").
  private var separator: Character { "\u{1E}" }

  private func milliseconds(from now: ContinuousClock.Instant, to deadline: ContinuousClock.Instant)
    -> Int
  {
    // Rounded up, or the last millisecond would be waited for in a hundred turns.
    Int(clamping: now.duration(to: deadline).nanoseconds / 1_000_000) + 1
  }

  // MARK: WebSocket

  /// Serves the WebSocket to its end.
  private func speak(
    _ session: Session, answering request: Request, in conversation: inout Conversation
  ) -> Response? {
    let isProbe = session.state.withLock { $0.transport == .probing }
    guard var socket = WebSocket(accepting: request, over: conversation.connection) else {
      if isProbe { session.state.withLock { $0.probeFailed() } } else { close(session) }
      return Problem.badRequest.response
    }
    var hasRead = false
    while true {
      let now = ContinuousClock.now
      let (packets, isClosed, deadline) = session.state.withLock { state in
        state.advance(to: now)
        let isOurs = state.transport == .websocket
        return (isOurs ? state.takeOutbox() : [], state.isClosed, state.deadline)
      }
      if isClosed || !socket.send(packets) { break }
      // What came in one piece with the request is here already.
      if conversation.received.isEmpty || hasRead {
        let readiness = Syscalls.wait(
          for: conversation.connection.socket, milliseconds: milliseconds(from: now, to: deadline))
        guard !readiness.isEmpty else { continue }
        guard conversation.connection.receive(into: &conversation.received) else { break }
      }
      hasRead = true
      guard let messages = socket.read(&conversation.received) else { break }
      var answers: [String] = []
      session.state.withLock { state in
        for message in messages {
          if message == "2probe" { answers.append("3probe") } else { state.receive(message) }
        }
      }
      guard socket.send(answers) else { break }
    }
    let failed = session.state.withLock { state in
      let wasProbing = state.transport == .probing
      state.probeFailed()
      return wasProbing && !state.isClosed
    }
    if !failed { close(session) }
    return nil
  }
}
