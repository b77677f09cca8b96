import Balancing
import HTTP
import Memory
import Network
import Reactor

extension Worker {
  /// Picks a server and sends it the request. When none takes it the request waits for one that
  /// will, or the client is told.
  mutating func askServer(_ exchange: Handle) {
    guard !standsBehind(exchange) else {
      if exchanges[exchange].tried.count > 0, !hasAnother(exchange, mayWait: true) {
        return waitOrRefuse(exchange)
      }
      return wait(exchange)
    }
    while exchanges[exchange].hasTryLeft {
      switch claimServer(exchange) {
      case .claimed: return begin(exchange)
      case .full where exchanges[exchange].pool.queueLimit > 0: return wait(exchange)
      case .full: return refuseWaiting(exchange, .queueFull)
      case .none: return waitOrRefuse(exchange)
      }
    }
    waitOrRefuse(exchange)
  }

  mutating func waitOrRefuse(_ exchange: Handle) {
    // Another server might have had a better answer; it is not worth waiting for.
    if deliverKept(exchange) { return }
    guard mayWait(exchange) else { return refuseUnserved(exchange) }
    rooms[exchanges[exchange].pool.cell].beginRecovery()
    wait(exchange)
  }

  /// Turns to the server that the exchange has taken; to the next one when that cannot be reached.
  mutating func begin(_ exchange: Handle) {
    let cell = exchanges[exchange].pool.cell
    if rooms[cell].isRecovering {
      exchanges[exchange].isOnTrial = true
      rooms[cell].beginTrial()
    }
    if takeIdleConnection(exchange) { return sendRequest(exchange) }
    switch openConnection(exchange) {
    case .started: return
    case .failed:
      endRequest(exchange, .connectFailed)
      askServer(exchange)
    case .impossible:
      endRequest(exchange, .abandoned)
      environment.counters.add(environment.slots.overloaded)
      refuse(exchange, status: 503, reason: .overloaded, endsConnection: false)
    }
  }

  /// No server is left to try: what became of the last one tells the status.
  mutating func refuseUnserved(_ exchange: Handle) {
    if deliverKept(exchange) { return }
    if hasLostSession(exchange) { return refuseSession(exchange) }
    switch exchanges[exchange].reason {
    case .ok: refuse(exchange, status: 503, reason: .noServer, endsConnection: false)
    case .serverAbsent, .serverDown:
      refuse(exchange, status: 503, reason: exchanges[exchange].reason, endsConnection: false)
    case .connectTimeout, .serverTimeoutWaiting, .serverTimeoutRequest, .serverTimeoutResponse,
      .serverTimeoutTry:
      refuse(exchange, status: 504, reason: exchanges[exchange].reason, endsConnection: false)
    default:
      refuse(exchange, status: 502, reason: exchanges[exchange].reason, endsConnection: false)
    }
  }

  private func facts(_ exchange: Handle) -> ServerFacts {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    return generations[generation].snapshot.pools[pool].servers[exchanges[exchange].server]
  }

  // MARK: Connections

  /// Takes the youngest idle connection that will do; false when there is none.
  @inline(__always) private mutating func takeIdleConnection(_ exchange: Handle) -> Bool {
    let isRisky = !exchanges[exchange].isRepeatable
    if isRisky, exchanges[exchange].pool.reusesSafely { return false }
    if exchanges[exchange].retry.wantsFresh { return false }
    let cell = facts(exchange).cell
    let placement = environment.cells[cell].placement
    while let upstream = idle[cell].takeYoungest(from: &upstreams) {
      // The server has moved: this one leads to where it was.
      guard upstreams[upstream].placement == placement else {
        closeUpstream(upstream)
        continue
      }
      // A request that must not be sent twice is not risked on a connection that has died
      // unnoticed: one look more, for these only.
      if isRisky, !Syscalls.isSilent(upstreams[upstream].transport.socket) {
        closeUpstream(upstream)
        continue
      }
      attach(upstream, to: exchange)
      upstreams[upstream].state = .exchange
      exchanges[exchange].isReused = true
      return true
    }
    return false
  }

  private mutating func attach(_ upstream: Handle, to exchange: Handle) {
    upstreams[upstream].work = exchange
    upstreams[upstream].requests &+= 1
    exchanges[exchange].upstream = upstream
  }

  private enum Opening {
    case started
    /// The server cannot be reached.
    case failed
    /// No descriptor or place is left here: no server's fault.
    case impossible
  }

  /// Starts a new connection.
  private mutating func openConnection(_ exchange: Handle) -> Opening {
    let server = facts(exchange)
    let placement = environment.cells[server.cell].placement
    guard let address = environment.cells[server.cell].address else { return .failed }
    exchanges[exchange].isReused = false
    exchanges[exchange].connectStart = clock.now
    environment.counters.add(server.counters.connects)
    do throws(SystemError) {
      let socket = try connect(to: address)
      guard
        let upstream = upstreams.insert(UpstreamConnection(socket: socket, cell: server.cell))
      else { return .impossible }
      upstreams[upstream].placement = placement
      attach(upstream, to: exchange)
      upstreams[upstream].retirement = retirement(after: exchanges[exchange].pool.ageLimit)
      try loop.register(
        upstreams[upstream].transport.socket, token: Token(kind: .upstream, upstream))
      environment.counters.add(environment.slots.upstreams)
      exchanges[exchange].phase = .connecting
      setUpstreamDeadline(upstream, after: exchanges[exchange].pool.connectTimeout)
      return .started
    } catch {
      if error.isOutOfDescriptors { return .impossible }
      environment.counters.add(server.counters.connectFailures)
      exchanges[exchange].reason = .connectFailed
      let upstream = exchanges[exchange].upstream
      exchanges[exchange].upstream = .none
      if upstream != .none { upstreams.remove(upstream) }
      return .failed
    }
  }

  /// When a connection that is opened now is too old: at a moment in the last quarter of the age,
  /// so that those which were opened together do not end together.
  private mutating func retirement(after age: UInt64) -> Instant {
    age == 0 ? .max : clock.now + age - random.below(age / 4 + 1)
  }

  /// Begins to connect; where places or descriptors are short, idle connections make room.
  private mutating func connect(to address: SocketAddress) throws(SystemError) -> Descriptor {
    if upstreams.isFull { _ = retireIdleConnection() }
    while true {
      do throws(SystemError) {
        return try Sockets.connecting(to: address)
      } catch {
        guard error.isOutOfDescriptors, retireIdleConnection() else { throw error }
      }
    }
  }

  /// Closes the oldest idle connection to the server that has most; false when there is none.
  private mutating func retireIdleConnection() -> Bool {
    guard let cell = idle.indices.max(by: { idle[$0].count < idle[$1].count }),
      let oldest = idle[cell].first
    else { return false }
    idle[cell].remove(oldest, from: &upstreams)
    closeUpstream(oldest)
    return true
  }

  /// Closes all idle connections to a server, which gets no more requests.
  mutating func giveUpIdle(to cell: Int) {
    while let upstream = idle[cell].takeYoungest(from: &upstreams) { closeUpstream(upstream) }
  }

  @inline(__always) mutating func upstreamEvent(_ upstream: Handle, _ readiness: Readiness) {
    guard upstreams.contains(upstream) else { return }
    upstreams[upstream].transport.note(readiness)
    let work = upstreams[upstream].work
    switch upstreams[upstream].state {
    case .idle:
      // Its end, or bytes that nobody asked for.
      if !upstreams[upstream].transport.isQuiet() {
        idle[upstreams[upstream].cell].remove(upstream, from: &upstreams)
        closeUpstream(upstream)
      }
    case .connecting:
      connected(exchange: work, upstream)
    case .handshake:
      shakeHandsWithServer(work, upstream)
    case .exchange:
      advance(work)
    case .tunnel:
      pumpTunnel(work)
    }
  }

  private mutating func connected(exchange: Handle, _ upstream: Handle) {
    // Who has failed to connect hangs up: no call finds out that nothing is wrong.
    if upstreams[upstream].transport.isDone,
      Syscalls.connectError(upstreams[upstream].transport.socket) != nil
    {
      environment.counters.add(facts(exchange).counters.connectFailures)
      return serverFailed(exchange, .connectFailed)
    }
    guard upstreams[upstream].transport.isWritable else { return }
    if !beginUpstreamHandshake(exchange, upstream) { beginRequest(exchange, upstream) }
  }

  /// The connection is ready for its first request.
  mutating func beginRequest(_ exchange: Handle, _ upstream: Handle) {
    upstreams[upstream].state = .exchange
    exchanges[exchange].connectTime = clock.now - exchanges[exchange].connectStart
    sendRequest(exchange)
  }

  func countConnectFailure(_ exchange: Handle) {
    environment.counters.add(facts(exchange).counters.connectFailures)
  }

  mutating func upstreamExpired(_ upstream: Handle) {
    guard upstreams.contains(upstream) else { return }
    let token = Token(kind: .upstream, upstream)
    guard upstreams[upstream].deadline.hasPassed(now: clock.now, token: token, &wheel) else {
      return
    }
    let work = upstreams[upstream].work
    switch upstreams[upstream].state {
    case .idle:
      idle[upstreams[upstream].cell].remove(upstream, from: &upstreams)
      closeUpstream(upstream)
    case .connecting, .handshake:
      environment.counters.add(facts(work).counters.connectFailures)
      serverFailed(work, .connectTimeout)
    case .exchange:
      if exchanges[work].phase == .responding {
        // What it sent waits here for room: it is the client that is slow, and timed for itself.
        if upstreams[upstream].transport.isReadable {
          return setUpstreamDeadline(upstream, after: responseTimeout(work))
        }
        return serverFailed(work, .serverTimeoutResponse)
      }
      if hasToMove(work) { return refuseSession(work) }
      answerExpired(work)
    case .tunnel:
      tunnelIsDue(work)
    }
  }

  mutating func setUpstreamDeadline(_ upstream: Handle, after timeout: UInt64) {
    upstreams[upstream].deadline.set(
      clock.now &+ timeout, token: Token(kind: .upstream, upstream), &wheel)
  }

  mutating func closeUpstream(_ upstream: Handle) {
    upstreams[upstream].deadline.cancel(&wheel)
    // Nothing is owed either way: that is no cut.
    if upstreams[upstream].state == .idle { _ = upstreams[upstream].transport.conclude() }
    upstreams.remove(upstream)
    environment.counters.subtract(environment.slots.upstreams)
    if isShortOfDescriptors { resumeAccepting() }
  }

  /// The exchange needs its server's connection no more.
  ///
  /// - Parameter isReusable: the response was read to its end, and the connection may go on.
  mutating func releaseUpstream(_ exchange: Handle, isReusable: Bool) {
    let upstream = exchanges[exchange].upstream
    guard upstream != .none else { return }
    exchanges[exchange].upstream = .none
    buffers.strip(&exchanges[exchange].chunk)
    let pool = exchanges[exchange].pool
    if pool.speaksTLS, isReusable { keepTicket(exchange, upstream) }
    if isReusable { upstreams[upstream].state = .idle }
    let cell = upstreams[upstream].cell
    let isWorn =
      clock.now >= upstreams[upstream].retirement
      || (pool.requestsLimit > 0 && upstreams[upstream].requests >= pool.requestsLimit)
    guard isReusable, !isWorn, !isDraining, !environment.cells[cell].isDraining,
      upstreams[upstream].transport.isQuiet(), idle[cell].count < pool.idleLimit
    else { return closeUpstream(upstream) }
    upstreams[upstream].work = .none
    setUpstreamDeadline(upstream, after: pool.idleTimeout)
    idle[cell].add(upstream, in: &upstreams)
  }

  // MARK: Sending

  /// Writes the head for the server and begins to send.
  mutating func sendRequest(_ exchange: Handle) {
    buffers.equip(&exchanges[exchange].input)
    writeRequestHead(exchange)
    exchanges[exchange].isSendingHead = true
    exchanges[exchange].isSent = false
    exchanges[exchange].isSendingOver = false
    exchanges[exchange].isLastChunkSent = false
    exchanges[exchange].inlineSent = 0
    exchanges[exchange].retry.isHolding = false
    exchanges[exchange].phase = .waiting
    exchanges[exchange].sends &+= 1
    environment.counters.add(facts(exchange).counters.requests)
    setUpstreamDeadline(exchanges[exchange].upstream, after: responseTimeout(exchange))
    pumpRequest(exchange)
    // What was known before the request was sent will not be told again: that the server has
    // spoken, or that the client has more of its body.
    let upstream = exchanges[exchange].upstream
    if upstreams[upstream].transport.isReadable || !exchanges[exchange].requestBody.isDone {
      advance(exchange)
    }
  }

  func responseTimeout(_ exchange: Handle) -> UInt64 {
    let own = exchanges[exchange].route.responseTimeout
    let timeout = own > 0 ? own : exchanges[exchange].pool.responseTimeout
    return moves.isEmpty ? timeout : min(timeout, timeToMove(exchange))
  }

  private func sendTimeout(_ exchange: Handle) -> UInt64 {
    let own = exchanges[exchange].route.sendTimeout
    return own > 0 ? own : exchanges[exchange].pool.sendTimeout
  }

  /// Sends of the request what the server takes.
  mutating func pumpRequest(_ exchange: Handle) {
    let upstream = exchanges[exchange].upstream
    do throws(SystemError) {
      if exchanges[exchange].isSendingHead {
        try sendHead(exchange)
        guard !exchanges[exchange].isSendingHead else { return }
      }
      try sendStored(exchange)
    } catch {
      // The server may have answered before it closed: what it said is read first.
      exchanges[exchange].isSendingOver = true
      upstreams[upstream].transport.isReadable = true
      return
    }
    guard exchanges[exchange].requestBody.isDone, exchanges[exchange].chunk.isEmpty,
      exchanges[exchange].requestStore.isEmpty,
      !exchanges[exchange].sendsChunks || exchanges[exchange].isLastChunkSent
    else { return }
    buffers.strip(&exchanges[exchange].chunk)
    exchanges[exchange].isSent = true
    setUpstreamDeadline(upstream, after: answerTimeout(exchange))
  }

  /// Sends the head, and with it the body that stands behind the client's own head.
  @inline(__always) private mutating func sendHead(_ exchange: Handle) throws(SystemError) {
    let upstream = exchanges[exchange].upstream
    if try exchanges[exchange].sendRequestHead(to: &upstreams[upstream].transport) {
      exchanges[exchange].isSendingHead = false
    } else {
      setUpstreamDeadline(upstream, after: sendTimeout(exchange))
    }
  }

  @inline(__always) private mutating func sendStored(_ exchange: Handle) throws(SystemError) {
    guard exchanges[exchange].requestStore.isOpen else { return }
    let upstream = exchanges[exchange].upstream
    while upstreams[upstream].transport.isWritable {
      if exchanges[exchange].sendsChunks {
        guard try frameChunk(exchange) else { return }
        continue
      }
      let front = exchanges[exchange].requestStore.front
      guard front != .nothing, front != .writing else { return }
      guard try exchanges[exchange].requestStore.send(to: &upstreams[upstream].transport) > 0
      else { return }
      setUpstreamDeadline(upstream, after: sendTimeout(exchange))
    }
  }

  /// Sends the next piece of a body whose length nobody knows, as a chunk; false when nothing
  /// can be sent now.
  private mutating func frameChunk(_ exchange: Handle) throws(SystemError) -> Bool {
    let upstream = exchanges[exchange].upstream
    if exchanges[exchange].chunk.isEmpty {
      guard try fillChunk(exchange) else { return false }
    }
    let sent = try upstreams[upstream].transport.send(&exchanges[exchange].chunk)
    setUpstreamDeadline(upstream, after: sendTimeout(exchange))
    return sent > 0 && exchanges[exchange].chunk.isEmpty
  }

  /// Makes the next chunk; false when there is nothing to make it of.
  private mutating func fillChunk(_ exchange: Handle) throws(SystemError) -> Bool {
    buffers.equip(&exchanges[exchange].chunk)
    if try exchanges[exchange].fillChunk() { return true }
    guard exchanges[exchange].requestStore.isEmpty, exchanges[exchange].requestBody.isDone,
      !exchanges[exchange].isLastChunkSent
    else {
      buffers.strip(&exchanges[exchange].chunk)
      return false
    }
    exchanges[exchange].isLastChunkSent = true
    ChunkWriter.last(to: &exchanges[exchange].chunk)
    return true
  }
}
