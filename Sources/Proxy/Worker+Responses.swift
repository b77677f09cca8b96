import HTTP
import Memory
import Reactor

extension Worker {
  /// Goes on with an exchange wherever bytes can move.
  mutating func advance(_ exchange: Handle) {
    guard exchanges.contains(exchange) else { return }
    switch exchanges[exchange].phase {
    case .head, .looking, .holding, .queued: return
    case .connecting:
      noticeHalfClose(exchange)
    case .waiting, .responding:
      guard advanceRequest(exchange) else { return }
      if exchanges[exchange].phase == .waiting { receiveResponseHead(exchange) }
      guard exchanges.contains(exchange) else { return }
      if exchanges[exchange].phase == .responding { pumpResponse(exchange) }
    }
  }

  /// Moves the request on; false when the exchange has ended over it.
  @inline(__always) private mutating func advanceRequest(_ exchange: Handle) -> Bool {
    if exchanges[exchange].isSent || exchanges[exchange].isSendingOver {
      noticeHalfClose(exchange)
      return true
    }
    while exchanges[exchange].upstream != .none {
      pumpRequest(exchange)
      if exchanges[exchange].requestBody.isDone { return true }
      let before = exchanges[exchange].bytesIn
      readRequestBody(exchange)
      guard exchanges.contains(exchange) else { return false }
      // The end of a chunked body is news, too, though it adds no byte to it.
      let isDone = exchanges[exchange].requestBody.isDone
      if exchanges[exchange].bytesIn == before, !isDone { return true }
    }
    // It was refused over its body, and has no server any more: the refusal is on its way.
    return true
  }

  /// A client that closes its sending side mostly has gone, but need not have: what it asked
  /// for gets a moment more, and then its server is freed.
  mutating func noticeHalfClose(_ exchange: Handle) {
    let client = exchanges[exchange].client
    guard clients[client].transport.isDone, exchanges[exchange].phase != .responding,
      clients[client].deadline.instant > clock.now &+ snapshot.timeouts.halfClosed
    else { return }
    setClientDeadline(client, after: snapshot.timeouts.halfClosed)
  }

  // MARK: The head

  @inline(__always) private mutating func receiveResponseHead(_ exchange: Handle) {
    let upstream = exchanges[exchange].upstream
    // Until the head has gone out, the buffer holds bytes for the server.
    guard upstream != .none, exchanges[exchange].isSendingOver || !exchanges[exchange].isSendingHead
    else { return }
    if exchanges[exchange].isSendingOver { dropUnsent(exchange) }
    while upstreams[upstream].transport.isReadable {
      guard makeRoomForResponseHead(exchange) else { return }
      switch upstreams[upstream].transport.receive(into: &exchanges[exchange].input) {
      case .bytes:
        noteFirstByte(exchange)
        guard parseResponseHead(exchange) else { return }
      case .wouldBlock: return
      case .endOfStream, .failed:
        return serverFailed(exchange, reasonOfEnd(exchange))
      }
    }
  }

  /// What an end of the connection means while a head is awaited.
  private func reasonOfEnd(_ exchange: Handle) -> Termination {
    if exchanges[exchange].retry.isHolding { return .serverClosedResponse }
    guard exchanges[exchange].input.isEmpty else { return .serverMalformed }
    let isWaiting = exchanges[exchange].isSent || exchanges[exchange].isReused
    return isWaiting ? .serverClosedWaiting : .serverClosedRequest
  }

  /// What the server did not take of the request will not be sent.
  private mutating func dropUnsent(_ exchange: Handle) {
    buffers.strip(&exchanges[exchange].chunk)
    guard exchanges[exchange].isSendingHead else { return }
    exchanges[exchange].isSendingHead = false
    exchanges[exchange].input.clear()
  }

  @inline(__always) private mutating func makeRoomForResponseHead(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].input.space == 0 else { return true }
    let limit = generations[exchanges[exchange].generation].snapshot.responseLimits.headBytes
    guard exchanges[exchange].input.capacity < limit + 4096 else {
      serverFailed(exchange, .serverMalformed)
      return false
    }
    Self.grow(&exchanges[exchange].input, to: limit + 4096, &buffers)
    return true
  }

  /// Parses what is here; false when the head is behind us, or the server has failed.
  @inline(__always) private mutating func parseResponseHead(_ exchange: Handle) -> Bool {
    let limits = generations[exchanges[exchange].generation].snapshot.responseLimits
    while true {
      do throws(Malformed) {
        guard
          try Self.parse(
            &responseHead, &exchanges[exchange].input, limits: limits,
            method: exchanges[exchange].facts.method)
        else { return true }
      } catch {
        serverFailed(exchange, .serverMalformed)
        return false
      }
      guard responseHead.isInterim else { break }
      relayInterim(exchange)
      exchanges[exchange].input.consume(responseHead.length)
      if exchanges[exchange].input.isEmpty { return true }
    }
    if responseHead.status == 101 {
      // Nobody asked, or for something else (RFC 9110 §15.2.2).
      guard exchanges[exchange].facts.upgrades, responseHead.upgradesToWebSocket else {
        serverFailed(exchange, .serverMalformed)
        return false
      }
      settleDoubt(exchange)
      beginTunnel(exchange)
      return false
    }
    if responseHead.fields.contains(.xAccelRedirect), exchanges[exchange].route.followsAccelRedirect
    {
      settleDoubt(exchange)
      followAccelRedirect(exchange)
      return false
    }
    switch judgeAnswer(exchange) {
    case .needsMore: return true
    case .refused: return false
    case .deliver: settleDoubt(exchange)
    }
    guard learnSession(exchange) else { return true }
    beginResponse(exchange)
    return false
  }
  static func parse(
    _ head: inout ResponseHead, _ input: inout ByteBuffer, limits: HeadLimits, method: Method
  ) throws(Malformed) -> Bool {
    try head.parse(input.readable, limits: limits, requestMethod: method)
  }

  /// Passes on 100 and 103 to clients that understand them (RFC 9110 §15.2).
  private mutating func relayInterim(_ exchange: Handle) {
    let answered = responseHead.status == 100 && answersContinue(exchange)
    guard exchanges[exchange].facts.version == .http11, !answered else { return }
    if responseHead.status == 100 { exchanges[exchange].owesContinue = false }
    buffers.equip(&exchanges[exchange].output)
    var output = exchanges[exchange].output.take()
    appendInterim(exchange, to: &output)
    exchanges[exchange].output = output
    sendInterim(exchange)
  }

  private func appendInterim(_ exchange: Handle, to output: inout ByteBuffer) {
    var writer = HeadWriter()
    let bytes = exchanges[exchange].input.readable
    writer.statusLine(
      responseHead.status, reason: bytes.extracting(responseHead.reason.range), to: &output)
    writer.copyFields(responseHead.fields, from: bytes, except: Self.fieldsForUs, to: &output)
    // One that does not fit is no loss: it is only a hint.
    _ = writer.end(&output)
  }

  /// A connection that is gone is noticed when its exchange next reads or writes.
  mutating func sendInterim(_ exchange: Handle) {
    let client = exchanges[exchange].client
    guard clients[client].transport.isWritable else { return }
    _ = try? clients[client].transport.send(&exchanges[exchange].output)
  }

  /// Turns the server's head into the client's.
  mutating func beginResponse(_ exchange: Handle) {
    endTrial(exchange, .answered)
    exchanges[exchange].status = responseHead.status
    exchanges[exchange].responseBody = BodyReader(responseHead.framing)
    exchanges[exchange].phase = .responding
    exchanges[exchange].isUpstreamPersistent = responseHead.isPersistent
    clients[exchanges[exchange].client].deadline.clear()
    if !exchanges[exchange].requestBody.isDone { exchanges[exchange].endsConnection = true }
    exchanges[exchange].requestStore.forgetTaken()
    switch responseHead.framing {
    case .none, .length: exchanges[exchange].encoding = .identity
    case .chunked, .untilClose:
      if exchanges[exchange].facts.version == .http11 {
        exchanges[exchange].encoding = .chunked
      } else {
        exchanges[exchange].encoding = .identity
        exchanges[exchange].isEndedByClose = true
        exchanges[exchange].endsConnection = true
      }
    }
    if isTakingLeave { exchanges[exchange].endsConnection = true }
    noteBufferingWish(exchange)
    if exchanges[exchange].route.compresses { chooseCompression(exchange) }
    choosePassage(exchange)
    guard writeResponseHead(exchange) else {
      stopCompressing(exchange)
      return serverFailed(exchange, .serverMalformed)
    }
    exchanges[exchange].hasResponseHead = true
    exchanges[exchange].input.consume(responseHead.length)
    if responseHead.status < 500 {
      exchanges[exchange].reason = .ok
    }
  }

  /// nginx: `X-Accel-Buffering: no` turns response buffering off for one response.
  @inline(__always) private mutating func noteBufferingWish(_ exchange: Handle) {
    guard responseHead.fields.contains(.xAccelBuffering) else { return }
    exchanges[exchange].isUnbuffered = wantsNoBuffering(exchange)
  }

  mutating func wantsNoBuffering(_ exchange: Handle) -> Bool {
    guard let field = responseHead.fields.first(.xAccelBuffering) else { return false }
    return Self.isNo(field.value, &exchanges[exchange].input)
  }

  private static func isNo(_ slice: Slice, _ input: inout ByteBuffer) -> Bool {
    let value = input.readable.extracting(slice.range)
    return value.count == 2 && value[0] | 32 == UInt8(ascii: "n")
      && value[1] | 32 == UInt8(ascii: "o")
  }
}
