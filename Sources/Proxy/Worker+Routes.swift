import Configuration
import HTTP
import Memory
import Network
import Reactor
import Routing

extension Worker {
  /// Decides what becomes of a request whose head is whole and stands in `requestHead`.
  mutating func route(_ exchange: Handle) {
    renew(exchange)
    let client = exchanges[exchange].client
    clients[client].requests &+= 1
    clients[client].deadline.clear()
    takeFacts(exchange)

    do throws(Refusal) {
      try writePath(exchange)
    } catch {
      return refuse(exchange, status: error.status, reason: .badRequest)
    }

    let outcome = Self.match(
      &requestHead, of: &exchanges[exchange].request, path: &path, in: snapshot.table,
      scratch: &routeScratch)
    if let rule = redirection(of: exchange), !answersChallenge(outcome) {
      return redirect(exchange, by: rule)
    }
    switch outcome {
    case .route(let index):
      guard !snapshot.routes[index].facts.isInternal else {
        return refuse(exchange, status: 404, reason: .noRoute, endsConnection: false)
      }
      follow(exchange, route: index)
    case .notFound: refuse(exchange, status: 404, reason: .noRoute, endsConnection: false)
    case .gaveUp: refuse(exchange, status: 500, reason: .noRoute)
    }
  }

  /// How the request's listener sends requests on to HTTPS; nil where it came by that, as far as
  /// trusted proxies tell: it would come back for ever.
  @inline(__always) private func redirection(of exchange: Handle) -> ListenRedirect? {
    guard let rule = snapshot.listeners[Int(clients[exchanges[exchange].client].place)].redirect,
      !exchanges[exchange].facts.isSecure
    else { return nil }
    return rule
  }

  private func answersChallenge(_ outcome: RouteTable.Outcome) -> Bool {
    guard case .route(let index) = outcome else { return false }
    return snapshot.routes[index].answersChallenges
  }

  /// Puts the path of the request, whose head stands in `requestHead`, into `path`, normalised.
  private mutating func writePath(_ exchange: Handle) throws(Refusal) {
    path.clear()
    // `*` asks about the server as a whole: the route of its root decides.
    guard requestHead.targetForm != .asterisk else { return path.append("/") }
    try Self.normalise(requestHead.path, of: &exchanges[exchange].request, to: &path)
  }

  /// The same for a request that has been routed before; false if that cannot be, after all.
  mutating func writePathAgain(_ exchange: Handle) -> Bool {
    (try? writePath(exchange)) != nil
  }

  @inline(__always) private static func normalise(
    _ slice: Slice, of request: inout ByteBuffer, to path: inout ByteBuffer
  ) throws(Refusal) {
    try NormalizedPath.write(request.written.extracting(slice.range), to: &path)
  }

  private static func match(
    _ head: inout RequestHead, of request: inout ByteBuffer, path: inout ByteBuffer,
    in table: RouteTable, scratch: inout RouteScratch
  ) -> RouteTable.Outcome {
    table.match(head, in: request.readable, path: path.readable, scratch: &scratch)
  }

  /// Sends a request along a route: its own, or the one that a `files` route falls back to.
  mutating func follow(_ exchange: Handle, route index: Int) {
    let facts = generations[exchanges[exchange].generation].snapshot.routes[index].facts
    exchanges[exchange].route = facts
    exchanges[exchange].facts.upgrades =
      requestHead.upgradesToWebSocket && facts.allowsWebSocket
    if facts.compresses { noteGzip(exchange) }

    let isAgain = exchanges[exchange].accel.isActive
    if facts.isLimited, !isAgain, !isWithinLimits(exchange) { return }
    if !isAgain, facts.bodyLimit > 0, case .length(let length) = requestHead.framing,
      length > UInt64(facts.bodyLimit)
    {
      return refuse(exchange, status: 413, reason: .bodyTooLarge)
    }
    switch facts.kind {
    case .proxy: if isAgain { proxyAgain(exchange) } else { proxy(exchange) }
    case .files: serveFile(exchange)
    case .redirect: redirect(exchange)
    case .respond: respond(exchange)
    }
  }

  /// Notes what is asked of the head later on.
  @inline(__always) private mutating func takeFacts(_ exchange: Handle) {
    let snapshot = self.snapshot
    exchanges[exchange].facts = facts(exchange, snapshot)
    let isLast = isLastOfConnection(exchanges[exchange].client, snapshot)
    if !requestHead.isPersistent || isLast { exchanges[exchange].endsConnection = true }
    if !exchanges[exchange].keepsRequestID, snapshot.forwarded.requestID != .off {
      exchanges[exchange].requestID = (random.next(), random.next())
    }
  }

  /// Whether the connection has carried as much, or for as long, as one may.
  @inline(__always) private func isLastOfConnection(_ client: Handle, _ snapshot: Snapshot) -> Bool
  {
    let requests = snapshot.requestsLimit
    let age = snapshot.connectionAgeLimit
    return (requests > 0 && clients[client].requests >= requests)
      || (age > 0 && clock.now - clients[client].accepted >= age)
  }

  private func facts(_ exchange: Handle, _ snapshot: Snapshot) -> RequestFacts {
    let bytes = exchanges[exchange].request.readable
    var facts = RequestFacts()
    facts.method = requestHead.method
    facts.version = requestHead.version
    facts.methodName = requestHead.methodSlice
    facts.target = requestHead.target
    facts.host = requestHead.host ?? .empty
    facts.hostName = requestHead.hostName
    facts.isPersistent = requestHead.isPersistent
    if let field = requestHead.fields.first(.userAgent) { facts.userAgent = field.value }
    if let field = requestHead.fields.first(.accept) {
      facts.wantsJSON = ContentNegotiation.prefersJSON(bytes.extracting(field.value.range))
    }
    if snapshot.forwarded.requestID == .keep, let field = requestHead.fields.first(.xRequestID),
      !requestHead.fields.isRepeated(.xRequestID),
      RequestID.isSane(bytes.extracting(field.value.range))
    {
      facts.requestID = field.value
    }
    let peer = clients[exchanges[exchange].client].address.address
    facts.address = peer
    facts.isTrusted = snapshot.trusts(peer)
    facts.isSecure = clients[exchanges[exchange].client].speaksTLS
    guard facts.isTrusted else { return facts }
    facts.address = snapshot.clientAddress.find(
      in: requestHead.fields, of: bytes, peer: peer, trustedBy: snapshot)
    if let field = requestHead.fields.first(.xForwardedProto) {
      facts.isSecure = Self.isHTTPS(bytes.extracting(field.value.range))
    }
    return facts
  }

  private static func isHTTPS(_ value: Span<UInt8>) -> Bool {
    value.count == 5 && value[0] | 32 == UInt8(ascii: "h") && value[1] | 32 == UInt8(ascii: "t")
      && value[2] | 32 == UInt8(ascii: "t") && value[3] | 32 == UInt8(ascii: "p")
      && value[4] | 32 == UInt8(ascii: "s")
  }

  /// Finds again what the path has captured on its way to its route: others have been routed
  /// since.
  mutating func matchAgain(_ exchange: Handle) {
    if exchanges[exchange].accel.target.isEmpty {
      _ = Self.match(
        &requestHead, of: &exchanges[exchange].request, path: &path,
        in: generations[exchanges[exchange].generation].snapshot.table, scratch: &routeScratch)
    } else {
      _ = matchInternally(exchange)
    }
  }

  /// Parses the kept head again, for what is decided about it later than it came.
  mutating func parseHeadAgain(_ exchange: Handle) {
    // It has been parsed before, from the same bytes, perhaps by limits that a reload has changed
    // meanwhile.
    let limits = HeadLimits(
      lineBytes: 1 << 30, headBytes: 1 << 30, fields: FieldTable.capacity)
    let isWhole = try? Self.parse(&requestHead, &exchanges[exchange].request, limits: limits)
    precondition(isWhole == true, "a head is read the same way twice")
    headOwner = exchange
  }
}
