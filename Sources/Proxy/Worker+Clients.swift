import Memory
import Reactor

extension Worker {
  mutating func clientEvent(_ client: Handle, _ readiness: Readiness) {
    guard clients.contains(client) else { return }
    clients[client].transport.note(readiness)
    switch clients[client].state {
    case .proxyHeader: readProxyHeader(client)
    case .unheard: hearFirst(client)
    case .handshake:
      handshakesDue.append(client)
    case .idle:
      if clients[client].transport.isReadable { beginExchange(client) }
    case .exchange:
      clientProgress(clients[client].work, hasHungUp: readiness.contains(.hangUp))
    case .tunnel:
      pumpTunnel(clients[client].work)
    case .lingering:
      if clients[client].transport.takeFlush() { setLingerDeadline(client) }
      linger(client)
    }
  }

  /// Goes on with an exchange on whose client something has changed.
  private mutating func clientProgress(_ exchange: Handle, hasHungUp: Bool) {
    if hasHungUp { return clientGone(exchange) }
    switch exchanges[exchange].phase {
    case .head: readHead(exchange)
    case .looking, .queued: noticeHalfClose(exchange)
    case .holding: readRequestBody(exchange)
    case .connecting, .waiting, .responding: advance(exchange)
    }
  }

  /// The client closed its connection while something was owed to it.
  mutating func clientGone(_ exchange: Handle) {
    switch exchanges[exchange].phase {
    case .head, .holding: exchanges[exchange].reason = .clientClosedRequest
    case .looking, .queued, .connecting, .waiting: exchanges[exchange].reason = .clientClosedWaiting
    case .responding: exchanges[exchange].reason = .clientClosedResponse
    }
    abandon(exchange)
  }

  mutating func clientExpired(_ client: Handle) {
    guard clients.contains(client) else { return }
    let token = Token(kind: .client, client)
    guard clients[client].deadline.hasPassed(now: clock.now, token: token, &wheel) else { return }
    switch clients[client].state {
    case .proxyHeader: closeClient(client)
    case .unheard, .handshake: failHandshake(client, .timeout)
    case .idle:
      guard clients[client].transport.conclude() else { return beginLingering(client) }
      closeClient(client)
    case .lingering: closeClient(client)
    case .tunnel: endTunnel(clients[client].work, reason: .tunnelIdle)
    case .exchange: exchangeExpired(clients[client].work)
    }
  }

  private mutating func exchangeExpired(_ exchange: Handle) {
    switch exchanges[exchange].phase {
    case .head:
      if exchanges[exchange].request.isEmpty { return abandonSilently(exchange) }
      refuse(exchange, status: 408, reason: .clientTimeoutHead)
    case .looking:
      fileLookupExpired(exchange)
    case .holding:
      refuse(exchange, status: 408, reason: .clientTimeoutBody)
    case .queued:
      // Whether its client has gone or its time has: either way it waits no more.
      guard clients[exchanges[exchange].client].transport.isDone else {
        return refuseWaiting(exchange, .queueTimeout)
      }
      clientGone(exchange)
    case .connecting, .waiting:
      guard clients[exchanges[exchange].client].transport.isDone else {
        return refuse(exchange, status: 408, reason: .clientTimeoutBody)
      }
      clientGone(exchange)  // It has closed its side, and the moment's grace is over.
    case .responding:
      exchanges[exchange].reason =
        exchanges[exchange].isReadingFile ? .fileTimeoutRead : .clientTimeoutResponse
      abandon(exchange)
    }
  }

  mutating func setClientDeadline(_ client: Handle, after timeout: UInt64) {
    clients[client].deadline.set(
      clock.now &+ timeout, token: Token(kind: .client, client), &wheel)
  }

  /// Reads and drops what a client still sends after its last response.
  mutating func linger(_ client: Handle) {
    for _ in 0..<Self.pieceBudget {
      guard clients[client].transport.isReadable else { return }
      scratch.clear()
      switch clients[client].transport.receive(into: &scratch) {
      case .bytes: continue
      case .wouldBlock: return
      case .endOfStream, .failed: return closeClient(client)
      }
    }
    ready.append(Token(kind: .client, client))
  }

  /// Ends our side of the connection and waits for the client to end its own, for what it has
  /// sent and we have not read would turn our close into a reset (RFC 9112 §9.6).
  mutating func beginLingering(_ client: Handle) {
    clients[client].state = .lingering
    clients[client].work = .none
    clients[client].transport.endSending()
    setLingerDeadline(client)
    linger(client)
  }

  /// What TLS still holds for the client is a part of its response, and has a response's time.
  private mutating func setLingerDeadline(_ client: Handle) {
    let timeouts = snapshot.timeouts
    let isFlushed = clients[client].transport.isFlushed
    setClientDeadline(
      client, after: isFlushed ? timeouts.linger : max(timeouts.linger, timeouts.send))
  }

  mutating func closeClient(_ client: Handle) {
    clients[client].deadline.cancel(&wheel)
    clients.remove(client)
    environment.counters.subtract(environment.slots.clients)
    if isShortOfDescriptors { resumeAccepting() }
  }
}
