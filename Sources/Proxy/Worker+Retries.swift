import Balancing
import HTTP
import Memory
import Reactor

/// Giving a request to another server. What a failure allows is `RetryCause`'s to say.
extension Worker {
  /// An answer that is looked at before the client gets it is so long at most.
  static let suspectBytesLimit = 64 << 10

  // MARK: Failures

  /// The server, or the way to it, has failed: another one is tried where that is safe.
  mutating func serverFailed(_ exchange: Handle, _ reason: Termination) {
    let cause = cause(of: reason, exchange)
    exchanges[exchange].reason = reason
    releaseUpstream(exchange, isReusable: false)
    guard !exchanges[exchange].hasResponseHead else {
      endRequest(exchange, .failed)
      return cutResponse(exchange)
    }
    switch cause {
    case .unconnected: endRequest(exchange, .connectFailed)
    // A connection that died of old age says nothing about its server.
    case .stale: endRequest(exchange, .stale)
    default: endRequest(exchange, .failed)
    }
    guard mayGoOn(exchange, cause), rewindBody(exchange) else { return outlast(exchange, cause) }
    if cause == .stale {
      // The same server again, and not at the cost of an attempt.
      exchanges[exchange].retry.wantsFresh = true
      exchanges[exchange].attempts -= 1
      exchanges[exchange].sends -= 1
      exchanges[exchange].tried = exchanges[exchange].triedBefore
    }
    goOn(exchange, reason)
  }

  private func cause(of reason: Termination, _ exchange: Handle) -> RetryCause {
    if exchanges[exchange].phase == .connecting { return .unconnected }
    switch reason {
    case .serverTimeoutWaiting, .serverTimeoutRequest, .serverTimeoutResponse: return .timedOut
    case .serverMalformed: return .unreadable
    case .serverClosedWaiting: return exchanges[exchange].isReused ? .stale : .broken
    default: return .broken
    }
  }

  /// Whether the request may be given to another server, which its budget has paid for then.
  private mutating func mayGoOn(_ exchange: Handle, _ cause: RetryCause) -> Bool {
    guard
      cause.allowsAnother(isIdempotent: exchanges[exchange].isRepeatable),
      // Who asked for a tunnel may have one.
      !exchanges[exchange].facts.upgrades || cause == .unconnected || cause == .absent,
      !cause.costsTry || exchanges[exchange].hasTryLeft
    else { return false }
    guard cause.costsBudget else { return true }
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    if generations[generation].budgets[pool].spend(now: clock.now) { return true }
    environment.counters.add(counters(exchange).retriesRefused)
    return false
  }

  /// The request has used up its tries. When all servers end at once it may wait in the queue until
  /// they are back, if it may be sent again; when others are there, until they have time for it.
  private mutating func outlast(_ exchange: Handle, _ cause: RetryCause) {
    let mayWait =
      switch cause {
      case .unconnected, .absent: true
      case .broken: exchanges[exchange].isRepeatable && !exchanges[exchange].facts.upgrades
      case .stale, .takenBack, .unreadable, .status, .tooSlow, .timedOut: false
      }
    guard mayWait, rewindBody(exchange) else { return refuseUnserved(exchange) }
    if self.mayWait(exchange), hasAnother(exchange, mayWait: true) { return wait(exchange) }
    waitOrRefuse(exchange)
  }

  /// Gives the request, which can be sent again from its beginning, to another server.
  private mutating func goOn(_ exchange: Handle, _ reason: Termination) {
    environment.counters.add(counters(exchange).retries)
    exchanges[exchange].retry.reason = reason
    buffers.strip(&exchanges[exchange].input)
    askServer(exchange)
  }

  /// Makes the body ready to be sent again from its first byte; false when part of it is gone.
  mutating func rewindBody(_ exchange: Handle) -> Bool {
    exchanges[exchange].inlineSent = 0
    return !exchanges[exchange].requestStore.isOpen || exchanges[exchange].requestStore.rewind()
  }

  private func counters(_ exchange: Handle) -> ServerSlots {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    return generations[generation].snapshot.pools[pool].servers[exchanges[exchange].server].counters
  }

  /// Whether there is a server that the request has not been with: without one, it is better off
  /// where it is.
  ///
  /// - Parameter mayWait: it may stand in the queue for one that is full.
  func hasAnother(_ exchange: Handle, mayWait: Bool = false) -> Bool {
    generations[exchanges[exchange].generation].balancer.hasAnother(
      pool: exchanges[exchange].route.pool, tried: exchanges[exchange].tried,
      priority: exchanges[exchange].route.priority,
      countsCapacity: !mayWait || exchanges[exchange].pool.queueLimit == 0, now: clock.now)
  }

  // MARK: Dead servers

  /// The server of a cell has been found dead: what waits for it goes elsewhere, if it has not
  /// begun to answer and the request may be sent again.
  mutating func takeBack(from cell: Int) {
    giveUpIdle(to: cell)
    for slot in 0..<upstreams.slotLimit {
      guard let upstream = upstreams.handle(ofSlot: slot), upstreams[upstream].cell == cell else {
        continue
      }
      switch upstreams[upstream].state {
      case .connecting, .handshake: takeBack(upstreams[upstream].work, .unconnected)
      case .exchange: takeBack(upstreams[upstream].work, .takenBack)
      case .idle, .tunnel: continue
      }
    }
  }

  private mutating func takeBack(_ exchange: Handle, _ cause: RetryCause) {
    // Where the answer has begun, the server is not as dead as all that.
    let isUnanswered = exchanges[exchange].phase != .responding && exchanges[exchange].asked > 0
    guard isUnanswered, exchanges[exchange].pool.retries > 0,
      hasAnother(exchange, mayWait: true)
    else { return }
    // That its server was found dead costs the request none of its tries.
    let before = exchanges[exchange].retry.freeTries
    exchanges[exchange].retry.freeTries = before < .max ? before + 1 : before
    guard mayGoOn(exchange, cause), rewindBody(exchange) else {
      exchanges[exchange].retry.freeTries = before
      return
    }
    exchanges[exchange].reason = .serverDown
    releaseUpstream(exchange, isReusable: false)
    // The server is out already: this is no other failure.
    endRequest(exchange, .abandoned)
    goOn(exchange, .serverDown)
  }

  // MARK: Slow servers

  /// How long the server has to begin its answer once it has the request.
  @inline(__always) mutating func answerTimeout(_ exchange: Handle) -> UInt64 {
    let all = responseTimeout(exchange)
    let one = exchanges[exchange].pool.tryTimeout
    // An answer that has begun already has as long as any.
    guard one > 0, exchanges[exchange].asked > 0, exchanges[exchange].isRepeatable else {
      return all
    }
    if exchanges[exchange].retry.waitEnd == 0 {
      exchanges[exchange].retry.waitEnd = clock.now + all
    }
    let left = timeLeft(exchange)
    return exchanges[exchange].hasTryLeft ? min(one, left) : left
  }

  /// At least a millisecond, so that a deadline is never in the past.
  private func timeLeft(_ exchange: Handle) -> UInt64 {
    let end = exchanges[exchange].retry.waitEnd
    return end > clock.now ? max(end - clock.now, 1_000_000) : 1_000_000
  }

  /// The server has not begun its answer in time, or has not gone on with it.
  mutating func answerExpired(_ exchange: Handle) {
    if exchanges[exchange].retry.isHolding { return serverFailed(exchange, .serverTimeoutResponse) }
    guard exchanges[exchange].isSent else { return serverFailed(exchange, .serverTimeoutRequest) }
    guard clock.now < exchanges[exchange].retry.waitEnd else {
      return serverFailed(exchange, .serverTimeoutWaiting)
    }
    guard exchanges[exchange].asked > 0, hasAnother(exchange), mayGoOn(exchange, .tooSlow),
      rewindBody(exchange)
    else { return setUpstreamDeadline(exchanges[exchange].upstream, after: timeLeft(exchange)) }
    exchanges[exchange].reason = .serverTimeoutTry
    releaseUpstream(exchange, isReusable: false)
    endRequest(exchange, .failed)
    goOn(exchange, .serverTimeoutTry)
  }

  // MARK: Answers

  enum Judgement {
    /// The client gets it.
    case deliver
    /// More of it is needed to know.
    case needsMore
    /// The client gets another one.
    case refused
  }

  private enum Extent { case whole, partial, unknown }

  /// Decides about the answer whose head stands in `responseHead`.
  ///
  /// Mostly all of it is here, or it is too long to wait for: then nothing is done.
  @inline(__always) mutating func judgeAnswer(_ exchange: Handle) -> Judgement {
    let status = responseHead.status
    let mayBePage = exchanges[exchange].pool.pageStatuses.contains(status)
    let isDoubtful =
      exchanges[exchange].pool.retryStatuses.contains(status)
      && exchanges[exchange].isRepeatable
    let isSuspect = mayBePage || isDoubtful
    switch extent(exchange, decodes: isSuspect) {
    case .whole: break
    case .partial: return hold(exchange, isSuspect: isSuspect) ? .needsMore : .deliver
    case .unknown: return .deliver
    }
    if mayBePage, containsPage(exchange) {
      refusePage(exchange)
      return .refused
    }
    return isDoubtful && passOver(exchange) ? .refused : .deliver
  }

  @inline(__always) private func extent(_ exchange: Handle, decodes: Bool) -> Extent {
    let here = UInt64(exchanges[exchange].input.count - responseHead.length)
    switch responseHead.framing {
    case .none: return .whole
    case .length(let length): return here >= length ? .whole : .partial
    case .untilClose: return .unknown
    case .chunked:
      guard decodes else { return .unknown }
      let body = exchanges[exchange].input.readable.extracting(droppingFirst: responseHead.length)
      return Self.isWhole(chunked: body) ? .whole : .partial
    }
  }

  /// Whether the last chunk is there; an answer that cannot be read is as whole as it will be.
  private static func isWhole(chunked body: Span<UInt8>) -> Bool {
    var decoder = ChunkedDecoder()
    var position = 0
    while true {
      guard let event = try? decoder.next(body, at: &position) else { return true }
      switch event {
      case .data, .trailer: continue
      case .needsMore: return false
      case .end: return true
      }
    }
  }

  /// Waits for the rest of an answer, where it is known to be short and the request could be
  /// sent again; false when the client gets it as it comes.
  private mutating func hold(_ exchange: Handle, isSuspect: Bool) -> Bool {
    // As long as the request goes out, the buffer is not the answer's alone.
    guard exchanges[exchange].isSent || exchanges[exchange].isSendingOver else { return false }
    let limit = isSuspect ? Self.suspectBytesLimit : exchanges[exchange].pool.holdBytes
    guard isSuspect || isWorthHolding(exchange) else { return false }
    let here = exchanges[exchange].input.count - responseHead.length
    var length = limit
    if case .length(let announced) = responseHead.framing { length = Int(clamping: announced) }
    guard length <= limit, here < limit else { return false }
    exchanges[exchange].retry.isHolding = true
    let needed = exchanges[exchange].input.consumed + responseHead.length + length
    if exchanges[exchange].input.capacity < needed {
      Self.grow(&exchanges[exchange].input, to: responseHead.length + length, &buffers)
    }
    setUpstreamDeadline(exchanges[exchange].upstream, after: responseTimeout(exchange))
    return true
  }

  private mutating func isWorthHolding(_ exchange: Handle) -> Bool {
    exchanges[exchange].isRepeatable && exchanges[exchange].route.buffersResponse
      && !wantsNoBuffering(exchange)
  }

  /// Whether the platform's page stands in the answer, which is whole.
  private func containsPage(_ exchange: Handle) -> Bool {
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let page = snapshot.pools[exchanges[exchange].route.pool].page
    let bytes = exchanges[exchange].input.readable
    guard page.count > 0 else { return false }
    var start = responseHead.length
    while start + page.count <= bytes.count {
      var matched = 0
      while matched < page.count, bytes[start + matched] == page[matched] { matched += 1 }
      if matched == page.count { return true }
      start += 1
    }
    return false
  }

  /// The server is not there, and a platform says so in its place.
  private mutating func refusePage(_ exchange: Handle) {
    exchanges[exchange].reason = .serverAbsent
    releaseUpstream(exchange, isReusable: false)
    endRequest(exchange, .failed)
    guard mayGoOn(exchange, .absent), rewindBody(exchange) else {
      return outlast(exchange, .absent)
    }
    goOn(exchange, .serverAbsent)
  }

  /// Asks another server instead of giving the answer, which is whole, to the client; false when
  /// there is no other.
  private mutating func passOver(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].isSent, hasAnother(exchange), mayGoOn(exchange, .status),
      rewindBody(exchange)
    else { return false }
    var isReusable = responseHead.isPersistent
    if case .length(let length) = responseHead.framing {
      let here = UInt64(exchanges[exchange].input.count - responseHead.length)
      isReusable = isReusable && here == length
    } else {
      isReusable = isReusable && exchanges[exchange].input.count == responseHead.length
    }
    buffers.strip(&exchanges[exchange].retry.kept)
    exchanges[exchange].retry.kept = exchanges[exchange].input.take()
    exchanges[exchange].retry.doubted = exchanges[exchange].server
    exchanges[exchange].reason = .serverStatus
    releaseUpstream(exchange, isReusable: isReusable)
    // Whether it is a failure will be known when another server has been asked.
    endRequest(exchange, .abandoned)
    goOn(exchange, .serverStatus)
    return true
  }

  /// The client gets the answer whose head stands in `responseHead`: what an earlier server has
  /// said instead counts against it, unless this one says the same. Then it is the site that is
  /// being maintained, and no server that has failed.
  mutating func settleDoubt(_ exchange: Handle) {
    let isBad = exchanges[exchange].pool.retryStatuses.contains(responseHead.status)
    let doubted = exchanges[exchange].retry.doubted
    if doubted >= 0 {
      forgetKept(exchange)
      if !isBad { blame(exchange, server: doubted) }
    } else if isBad {
      // Nobody else was asked, for the request must not be repeated, or too many are.
      exchanges[exchange].retry.isBad = !isMaintained(exchange) && hasAnother(exchange)
    }
  }

  /// Whether health checks know that the server's site is being maintained.
  private func isMaintained(_ exchange: Handle) -> Bool {
    environment.cells[upstreams[exchanges[exchange].upstream].cell].isMaintained
  }

  private mutating func forgetKept(_ exchange: Handle) {
    exchanges[exchange].retry.doubted = -1
    buffers.strip(&exchanges[exchange].retry.kept)
  }

  /// Gives the client the answer that was kept, if there is one: no other server has another.
  mutating func deliverKept(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].retry.doubted >= 0 else { return false }
    exchanges[exchange].server = exchanges[exchange].retry.doubted
    buffers.strip(&exchanges[exchange].input)
    exchanges[exchange].input = exchanges[exchange].retry.kept.take()
    forgetKept(exchange)
    parseKeptHead(exchange)
    beginResponse(exchange)
    // An answer that grew too long by what the route adds to it has been refused.
    guard exchanges.contains(exchange), exchanges[exchange].phase == .responding else {
      return true
    }
    pumpResponse(exchange)
    return true
  }

  private mutating func parseKeptHead(_ exchange: Handle) {
    let limits = generations[exchanges[exchange].generation].snapshot.responseLimits
    let isParsed = try? Self.parse(
      &responseHead, &exchanges[exchange].input, limits: limits,
      method: exchanges[exchange].facts.method)
    precondition(isParsed == true, "it was parsed when it came")
  }
}
