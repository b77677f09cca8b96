/// One Engine.IO v4 session and the Socket.IO v5 namespaces inside it, as the server keeps it:
/// what a packet that comes in changes, and which packets have to go out by when.
///
/// It does no input or output and reads no clock. Packets are text: a digit for the type and
/// the data, as `4` for a message (engine.io-protocol, revision 4) around `2` for an event
/// (socket.io-protocol, revision 5). Binary packets are not spoken here.
struct EngineSession {
  typealias Instant = ContinuousClock.Instant

  /// How packets travel now.
  enum Transport: String {
    case polling  // GET takes packets, POST brings them
    case probing  // still polling, while a WebSocket is tried
    case websocket
  }

  static let pingInterval = Duration.seconds(25)
  static let pingTimeout = Duration.seconds(20)
  static let tickInterval = Duration.seconds(1)
  /// The most bytes that one POST or one frame may bring.
  static let payloadBytesLimit = 1_000_000
  /// A client that leaves more than this many packets unread is taken for gone.
  static let outboxLimit = 64
  /// Namespaces that one session may join.
  static let namespacesLimit = 16

  let id: String
  /// The name of the server, which its ticks carry.
  let instance: String
  private(set) var transport: Transport
  private(set) var isClosed = false
  /// Packets that wait for the transport.
  private(set) var outbox: [String] = []
  /// Ids of the sockets in this session, by namespace.
  private var sockets: [String: String] = [:]
  private var ticks = 0
  private var nextTick: Instant
  private var nextPing: Instant
  /// When the client is given up: set while a ping is unanswered.
  private var pongDeadline: Instant?

  init(id: String, instance: String, transport: Transport, now: Instant) {
    self.id = id
    self.instance = instance
    self.transport = transport
    nextTick = now + Self.tickInterval
    nextPing = now + Self.pingInterval
    outbox.append(
      "0"
        + json([
          "sid": json(id),
          "upgrades": transport == .polling ? "[\"websocket\"]" : "[]",
          "pingInterval": "\(Self.pingInterval.components.seconds * 1000)",
          "pingTimeout": "\(Self.pingTimeout.components.seconds * 1000)",
          "maxPayload": "\(Self.payloadBytesLimit)",
        ]))
  }

  /// When `advance` has something to do next.
  var deadline: Instant { min(nextTick, nextPing, pongDeadline ?? nextTick) }

  /// When the client counts as gone, if nothing more is heard of it.
  var expiry: Instant { pongDeadline ?? nextPing + Self.pingTimeout }

  /// Takes what time brings: ticks, pings, and the end of a client that answers none.
  mutating func advance(to now: Instant) {
    guard !isClosed else { return }
    if let pongDeadline, now >= pongDeadline { return close() }
    if now >= nextPing {
      post("2")
      nextPing = now + Self.pingInterval
      pongDeadline = now + Self.pingTimeout
    }
    guard now >= nextTick else { return }
    nextTick = now + Self.tickInterval
    ticks += 1
    // Who reads slowly misses ticks rather than collects them.
    guard outbox.count < Self.outboxLimit / 4 else { return }
    for namespace in sockets.keys.sorted() {
      emit(
        "[\"tick\","
          + json([
            "instance": json(instance), "count": "\(ticks)", "transport": json(transport.rawValue),
          ]) + "]", to: namespace)
    }
  }

  /// Takes one packet from the client. One that makes no sense closes the session.
  mutating func receive(_ packet: String) {
    guard !isClosed else { return }
    let data = packet.dropFirst()
    switch packet.first {
    case "1": close()
    case "3": pongDeadline = nil
    case "4": receive(message: data)
    case "5" where transport == .probing: upgrade()
    case "6": break  // no operation
    default: close()
    }
  }

  /// What waits for the transport; it waits no more.
  mutating func takeOutbox() -> [String] {
    defer { outbox.removeAll() }
    return outbox
  }

  mutating func close() {
    isClosed = true
    outbox.removeAll()
  }

  // MARK: Upgrading from polling to WebSocket

  /// A WebSocket wants to take over. False when one has, or is about to.
  mutating func probe() -> Bool {
    guard transport == .polling, !isClosed else { return false }
    transport = .probing
    return true
  }

  /// The WebSocket that was to take over has gone.
  mutating func probeFailed() {
    if transport == .probing { transport = .polling }
  }

  private mutating func upgrade() {
    transport = .websocket
  }

  // MARK: Socket.IO

  private mutating func receive(message: Substring) {
    guard let type = message.first else { return close() }
    var rest = message.dropFirst()
    var namespace = "/"
    if rest.first == "/" {
      let end = rest.firstIndex(of: ",") ?? rest.endIndex
      namespace = String(rest[..<end])
      rest = rest[end...].dropFirst()
    }
    switch type {
    case "0":  // CONNECT
      if sockets[namespace] == nil {
        guard sockets.count < Self.namespacesLimit else { return close() }
        sockets[namespace] = "\(id)-\(sockets.count)"
      }
      post("40" + prefix(namespace) + json(["sid": json(sockets[namespace] ?? id)]))
    case "1":  // DISCONNECT
      sockets[namespace] = nil
    case "2":  // EVENT
      guard sockets[namespace] != nil else { return }
      let acknowledgement = rest.prefix { $0.isASCII && $0.isNumber }
      let payload = rest.dropFirst(acknowledgement.count)
      if payload.hasPrefix("[\"hello\"") { emit(String(payload), to: namespace) }
      if !acknowledgement.isEmpty {
        post("43" + prefix(namespace) + acknowledgement + json([json(instance)]))
      }
    case "3": break  // ACK: nothing here asks for one
    default: close()  // binary, or nothing that the protocol knows
    }
  }

  private mutating func emit(_ event: String, to namespace: String) {
    post("42" + prefix(namespace) + event)
  }

  /// The default namespace goes without saying.
  private func prefix(_ namespace: String) -> String {
    namespace == "/" ? "" : namespace + ","
  }

  private mutating func post(_ packet: String) {
    guard outbox.count < Self.outboxLimit else { return close() }
    outbox.append(packet)
  }
}
