import HTTP
import Memory
public import Network
public import Reactor

/// A small HTTP/1.1 server for operators: GET, HEAD, and POST without a body, bounded in
/// everything.
///
/// It shares the control thread, so what it answers must be at hand, and whoever sends or reads
/// slowly is closed: 64 connections, 8 KiB for a head, seconds for each step.
public struct AdminServer: ~Copyable {
  static let connectionLimit = 64
  static let headLimits = HeadLimits(lineBytes: 4 << 10, headBytes: 8 << 10, fields: 64)
  /// From the first byte of a head to its last, and between a connection and its first byte.
  static let headTimeout: Duration = .seconds(5)
  /// For the whole of an answer to be taken.
  static let sendTimeout: Duration = .seconds(10)
  /// Between requests: longer than Prometheus waits between two scrapes.
  static let idleTimeout: Duration = .seconds(90)
  /// For a client to notice that its connection ends.
  static let lingerTimeout: Duration = .seconds(1)
  /// How long accepting pauses when there are no descriptors left.
  static let acceptPause: Duration = .milliseconds(100)
  /// Answers on one connection; then it has to come again.
  static let requestLimit = 100
  /// Bytes read and forgotten after the last answer, so that the client sees it before the end.
  static let lingerBytesLimit = 256 << 10

  /// Answers a request; what it changes may need the loop.
  public typealias Answer = (AdminRequest, inout ControlLoop) -> AdminResponse

  private var listeners: Slab<Descriptor>
  private var connections = Slab<AdminConnection>(capacity: connectionLimit)
  private var head = RequestHead()
  /// Where it listens, ports filled in.
  public private(set) var addresses: [SocketAddress] = []

  public init(
    listening sockets: consuming ListeningSockets, _ control: inout ControlLoop
  ) throws(SystemError) {
    addresses = sockets.addresses
    listeners = Slab(capacity: max(sockets.addresses.count, 1))
    while let socket = sockets.take() {
      guard let handle = listeners.insert(socket) else {
        preconditionFailure("there is a place for each listener")
      }
      try control.events.registerListener(
        listeners[handle], token: Token(kind: .adminListener, handle))
    }
  }

  public var connectionCount: Int { connections.count }

  /// Deals with what has become possible on a listener or connection of this server.
  public mutating func handle(
    _ event: Event, _ control: inout ControlLoop, answer: Answer
  ) {
    let handle = event.token.handle
    switch event.token.controlKind {
    case .adminListener: accept(handle, &control)
    case .adminConnection:
      guard connections.contains(handle) else { return }
      if !advance(handle, &control, answer: answer) { close(handle, &control) }
    case .wakeup, .signals, .probe, nil: preconditionFailure("not an event of this server")
    }
  }

  /// A connection has taken longer than it may, or a pause of accepting is over.
  public mutating func expired(_ token: Token, _ control: inout ControlLoop) {
    let handle = token.handle
    if token.controlKind == .adminListener { return resumeAccepting(handle, &control) }
    guard connections.contains(handle) else { return }
    connections[handle].timer = 0
    close(handle, &control)
  }

  // MARK: Connections

  private static let loopback = AddressBlock(IPAddress(v4: 127, 0, 0, 0), prefixLength: 8)

  private mutating func accept(_ listener: Handle, _ control: inout ControlLoop) {
    guard listeners.contains(listener) else { return }
    let address = try? Syscalls.localAddress(listeners[listener]).address
    let isLocal = address.map { $0 == .loopbackV6 || Self.loopback.contains($0) } ?? false
    var peer = SocketAddress(.anyV4, port: 0)
    for _ in 0..<16 {
      let next: Descriptor?
      do throws(SystemError) {
        next = try Syscalls.accept(from: listeners[listener], peer: &peer)
      } catch {
        return pauseAccepting(listener, &control)
      }
      guard let accepted = next,
        connections.count < Self.connectionLimit || evictIdle(&control),
        let handle = connections.insert(AdminConnection(socket: accepted, isLocal: isLocal))
      else { return }
      let token = Token(kind: .adminConnection, handle)
      guard (try? control.events.register(connections[handle].socket, token: token)) != nil else {
        connections.remove(handle)
        continue
      }
      setTimer(handle, Self.headTimeout, &control)
    }
  }

  /// No descriptor is left: whoever waits in the backlog keeps the listener readable, and to be
  /// told of that at once, again and again, would take all of the thread's time.
  private mutating func pauseAccepting(_ listener: Handle, _ control: inout ControlLoop) {
    try? control.events.deregister(listeners[listener])
    _ = control.schedule(.adminListener, listener, after: Self.acceptPause)
  }

  private mutating func resumeAccepting(_ listener: Handle, _ control: inout ControlLoop) {
    guard listeners.contains(listener) else { return }
    try? control.events.registerListener(
      listeners[listener], token: Token(kind: .adminListener, listener))
  }

  /// Makes room by closing a connection between requests; false when all are at work.
  private mutating func evictIdle(_ control: inout ControlLoop) -> Bool {
    for slot in 0..<connections.slotLimit {
      guard let handle = connections.handle(ofSlot: slot), connections[handle].state == .idle
      else { continue }
      close(handle, &control)
      return true
    }
    return false
  }

  private mutating func close(_ handle: Handle, _ control: inout ControlLoop) {
    if connections[handle].timer != 0 { control.timers.cancel(connections[handle].timer) }
    connections.remove(handle)
  }

  private mutating func setTimer(
    _ handle: Handle, _ wait: Duration, _ control: inout ControlLoop
  ) {
    if connections[handle].timer != 0 { control.timers.cancel(connections[handle].timer) }
    connections[handle].timer = control.schedule(.adminConnection, handle, after: wait)
  }

  private mutating func enter(
    _ state: AdminConnection.State, _ handle: Handle, _ control: inout ControlLoop
  ) {
    guard connections[handle].state != state else { return }
    connections[handle].state = state
    switch state {
    case .idle: setTimer(handle, Self.idleTimeout, &control)
    case .head: setTimer(handle, Self.headTimeout, &control)
    case .sending: setTimer(handle, Self.sendTimeout, &control)
    case .lingering:
      Syscalls.shutdown(connections[handle].socket, .writing)
      setTimer(handle, Self.lingerTimeout, &control)
    }
  }

  /// Goes on until the socket has no more to give or to take; false when the connection ends.
  private mutating func advance(
    _ handle: Handle, _ control: inout ControlLoop, answer: Answer
  ) -> Bool {
    while true {
      do throws(SystemError) {
        if connections[handle].output != nil {
          guard try send(handle, &control) else { return true }
          continue
        }
        if connections[handle].state != .lingering, read(handle, &control, answer: answer) {
          continue
        }
        guard try receive(handle) else { return true }
        if connections[handle].state == .idle { enter(.head, handle, &control) }
      } catch {
        return false  // the client has gone: nobody to tell
      }
    }
  }

  /// The connection has come to its end without anybody's fault.
  private static let ended = SystemError(call: "recv", errno: 0)

  /// False when the answer is not all taken yet.
  private mutating func send(
    _ handle: Handle, _ control: inout ControlLoop
  ) throws(SystemError) -> Bool {
    guard var output = connections[handle].output.take() else { return true }
    while !output.isEmpty {
      if try Syscalls.send(&output, to: connections[handle].socket) == 0 {
        connections[handle].output = consume output
        return false
      }
    }
    enter(connections[handle].closesAfterOutput ? .lingering : .idle, handle, &control)
    return true
  }

  /// False when nothing more has come; throws when nothing more will.
  private mutating func receive(_ handle: Handle) throws(SystemError) -> Bool {
    switch try Self.receive(&connections[handle]) {
    case .bytes: return true
    case .wouldBlock: return false
    case .endOfStream: throw Self.ended
    }
  }

  private static func receive(
    _ connection: inout AdminConnection
  ) throws(SystemError) -> Syscalls.Received {
    if connection.state == .lingering {
      connection.forgotten += connection.input.count
      connection.input.clear()
      guard connection.forgotten < lingerBytesLimit else { throw ended }
    }
    connection.input.compact()
    return try Syscalls.receive(from: connection.socket, into: &connection.input)
  }

  // MARK: Requests

  /// Answers the request at the front of what has come; false when it is not all here.
  private mutating func read(
    _ handle: Handle, _ control: inout ControlLoop, answer: Answer
  ) -> Bool {
    guard !connections[handle].input.isEmpty else { return false }
    do throws(Refusal) {
      guard try Self.parse(connections, handle, into: &head) else { return false }
    } catch {
      let refusal = AdminResponse.text(Int(error.status), "\(error.reason)\n")
      respond(handle, refusal, closes: true, &control)
      return true
    }
    let request = request(handle)
    connections[handle].input.consume(head.length)
    connections[handle].requests += 1
    let hasBody = head.framing.hasBody
    let closes = !head.isPersistent || connections[handle].requests >= Self.requestLimit || hasBody
    switch head.method {
    case .get, .head:
      let response = answer(request, &control)
      let omitsBody = head.method == .head
      respond(handle, response, omitsBody: omitsBody, closes: closes, &control)
    case .post:
      let response =
        hasBody ? AdminRefusal(413, "no body is taken").response : answer(request, &control)
      respond(handle, response, closes: closes, &control)
    case .put, .delete, .options, .patch, .other:
      let refusal = AdminRefusal.method(allowed: "GET, HEAD, POST").response
      respond(handle, refusal, closes: closes, &control)
    }
    return true
  }

  /// What the head at the front of the input asks.
  private func request(_ handle: Handle) -> AdminRequest {
    var request = AdminRequest(path: Self.text(connections[handle].input, head.path))
    request.method = head.method == .post ? .post : .get
    request.query = head.query.map { Self.text(connections[handle].input, $0) }
    if let field = head.fields.first(.authorization) {
      let isOne = !head.fields.isRepeated(.authorization)
      request.authorization = isOne ? Self.text(connections[handle].input, field.value) : ""
    }
    request.isLocal = connections[handle].isLocal
    request.isFromBrowser = head.fields.contains(.origin)
    return request
  }

  private mutating func respond(
    _ handle: Handle, _ response: AdminResponse, omitsBody: Bool = false, closes: Bool,
    _ control: inout ControlLoop
  ) {
    let message = response.message(omitsBody: omitsBody, closes: closes)
    var output = ByteBuffer(capacity: message.utf8.count)
    output.append(text: message)
    connections[handle].output = consume output
    connections[handle].closesAfterOutput = closes
    enter(.sending, handle, &control)
  }

  private static func parse(
    _ connections: borrowing Slab<AdminConnection>, _ handle: Handle, into head: inout RequestHead
  ) throws(Refusal) -> Bool {
    try head.parse(connections[handle].input.readable, limits: headLimits)
  }

  private static func text(_ input: borrowing ByteBuffer, _ slice: Slice) -> String {
    var bytes: [UInt8] = []
    for i in slice.range { bytes.append(input.readable[i]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
