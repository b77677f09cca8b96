import HTTP
import Memory
import Reactor

extension Worker {
  /// Begins to serve a request from a pool; its head stands in `requestHead`.
  mutating func proxy(_ exchange: Handle) {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    exchanges[exchange].pool = generations[generation].snapshot.pools[pool].facts
    generations[generation].budgets[pool].noteRequest()
    if exchanges[exchange].pool.checkPause > 0 { noteActivity(exchange) }
    exchanges[exchange].requestBody = BodyReader(requestHead.framing)
    exchanges[exchange].owesContinue = requestHead.expectsContinue
    // The body comes when the server has asked for it: it cannot be held before.
    if requestHead.expectsContinue, !answersContinue(exchange) {
      exchanges[exchange].route.buffersRequest = false
    }
    exchanges[exchange].phase = .holding
    takeKey(exchange)
    if case .length(let length) = requestHead.framing {
      exchanges[exchange].upstreamLength = length
      let here = exchanges[exchange].request.count - exchanges[exchange].headLength
      let fits =
        length
        <= UInt64(
          exchanges[exchange].request.capacity - exchanges[exchange].headLength)
      if fits, exchanges[exchange].route.buffersRequest || UInt64(here) >= length {
        exchanges[exchange].inlineBody = Int(length)
      }
    }
    readRequestBody(exchange)
  }

  /// Reads the body until it is whole, or until it cannot be held, and then asks a server; goes
  /// on reading while a server is being asked.
  mutating func readRequestBody(_ exchange: Handle) {
    if exchanges[exchange].inlineBody > 0 {
      guard readInlineBody(exchange) else { return }
    } else if !exchanges[exchange].requestBody.isDone {
      guard readStoredBody(exchange) else { return }
    }
    guard exchanges[exchange].phase == .holding, shouldAskServer(exchange) else { return }
    if exchanges[exchange].requestBody.isDone {
      if exchanges[exchange].requestStore.isOpen {
        exchanges[exchange].upstreamLength = exchanges[exchange].bytesIn
      }
    } else {
      // From here on the body streams: what has been sent is not kept for another try.
      exchanges[exchange].requestStore.forgetTaken()
    }
    askServer(exchange)
  }

  @inline(__always) private func shouldAskServer(_ exchange: Handle) -> Bool {
    if exchanges[exchange].requestBody.isDone || !exchanges[exchange].route.buffersRequest {
      return true
    }
    // Buffering has come to its end before the body has: it streams from here on.
    return exchanges[exchange].requestStore.isSpent
  }

  // MARK: Small bodies

  /// Reads a body that fits behind its head; false when the exchange waits or has ended.
  private mutating func readInlineBody(_ exchange: Handle) -> Bool {
    let client = exchanges[exchange].client
    let end = exchanges[exchange].headLength + exchanges[exchange].inlineBody
    while exchanges[exchange].request.count < end {
      answerContinue(exchange)
      guard clients[client].transport.isReadable else {
        setClientDeadline(client, after: snapshot.timeouts.body)
        return false
      }
      switch clients[client].transport.receive(into: &exchanges[exchange].request) {
      case .bytes: continue
      case .wouldBlock: continue
      case .endOfStream, .failed:
        exchanges[exchange].reason = .clientClosedRequest
        abandon(exchange)
        return false
      }
    }
    exchanges[exchange].owesContinue = false
    exchanges[exchange].bytesIn = UInt64(exchanges[exchange].inlineBody)
    exchanges[exchange].requestBody = .none
    clients[client].deadline.clear()
    return true
  }

  // MARK: Other bodies

  /// Reads into the store as far as possible; false when the exchange has ended.
  private mutating func readStoredBody(_ exchange: Handle) -> Bool {
    let client = exchanges[exchange].client
    openRequestStore(exchange)
    var budget = Self.pieceBudget
    while true {
      guard let isFull = storeBody(exchange) else { return false }
      if exchanges[exchange].requestBody.isDone {
        clients[client].deadline.clear()
        flushRequestStore(exchange, all: true)
        return true
      }
      // What the store did not take waits in the buffer; it is not the client that is slow.
      if isFull {
        clients[client].deadline.clear()
        return true
      }
      guard budget > 0 else {
        ready.append(Token(kind: .client, client))
        return true
      }
      budget -= 1
      answerContinue(exchange)
      guard clients[client].transport.isReadable else {
        setClientDeadline(client, after: snapshot.timeouts.body)
        return true
      }
      switch receiveBodyOfRequest(exchange) {
      case .bytes, .wouldBlock: continue
      case .endOfStream, .failed:
        exchanges[exchange].reason = .clientClosedRequest
        abandon(exchange)
        return false
      }
    }
  }

  /// Reads once: straight into the store, where all that comes is the body's and there is room.
  private mutating func receiveBodyOfRequest(_ exchange: Handle) -> Transport.Reading {
    let client = exchanges[exchange].client
    if case .length(let left) = exchanges[exchange].requestBody,
      exchanges[exchange].request.count == exchanges[exchange].headLength
    {
      let room = exchanges[exchange].requestStore.makeRoom(
        for: left, writer: environment.spill, pool: &pieces)
      if room > 0 {
        return exchanges[exchange].receiveRequestBody(from: &clients[client].transport, room: room)
      }
    }
    return clients[client].transport.receive(into: &exchanges[exchange].request)
  }

  private mutating func openRequestStore(_ exchange: Handle) {
    guard !exchanges[exchange].requestStore.isOpen else { return }
    let isHeld = exchanges[exchange].route.buffersRequest
    exchanges[exchange].requestStore = BodyStore(
      memory: requestMemory.take(for: isHeld ? exchanges[exchange].upstreamLength : nil),
      keepsTaken: isHeld, maySpill: isHeld)
    // The head stays; the body is read in as large pieces as there is room behind it.
    if exchanges[exchange].request.capacity < exchanges[exchange].headLength + 8192 {
      Self.grow(
        &exchanges[exchange].request, to: exchanges[exchange].headLength + (16 << 10), &buffers)
    }
  }

  /// Moves what has come of the body into the store; answers whether that is full, nil when the
  /// body was refused.
  private mutating func storeBody(_ exchange: Handle) -> Bool? {
    let isFull: Bool
    do throws(Malformed) {
      isFull = try moveBody(exchange)
    } catch {
      refuse(exchange, status: 400, reason: .badRequest)
      return nil
    }
    let limit = exchanges[exchange].route.bodyLimit
    if limit > 0, exchanges[exchange].bytesIn > UInt64(limit) {
      refuse(exchange, status: 413, reason: .bodyTooLarge)
      return nil
    }
    flushRequestStore(exchange, all: false)
    return isFull
  }

  private mutating func moveBody(_ exchange: Handle) throws(Malformed) -> Bool {
    while exchanges[exchange].request.count > exchanges[exchange].headLength,
      !exchanges[exchange].requestBody.isDone
    {
      let room = exchanges[exchange].requestStore.makeRoom(
        for: exchanges[exchange].requestBody.left, writer: environment.spill, pool: &pieces)
      guard room > 0 else { return true }
      // Half a line of a trailer stays where it is until the other half has come.
      guard try exchanges[exchange].storeRequestBody(room: room) > 0 else { return false }
    }
    return false
  }

  mutating func flushRequestStore(_ exchange: Handle, all: Bool) {
    exchanges[exchange].requestStore.flush(
      all: all, owner: exchange, isRequest: true, writer: environment.spill,
      mailbox: environment.mailbox)
  }

  /// Whether it is for us to say that the body may come, by the configuration that the exchange
  /// began with.
  func answersContinue(_ exchange: Handle) -> Bool {
    generations[exchanges[exchange].generation].snapshot.answersContinue
  }

  /// Tells a client that waits for it to go on (RFC 9110 §10.1.1).
  private mutating func answerContinue(_ exchange: Handle) {
    guard exchanges[exchange].owesContinue, answersContinue(exchange) else { return }
    buffers.equip(&exchanges[exchange].output)
    let text: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
    // Other interim responses that the client has not read may leave no room: it is owed then.
    guard exchanges[exchange].output.space >= text.utf8CodeUnitCount else { return }
    exchanges[exchange].owesContinue = false
    exchanges[exchange].output.append(text)
    // What does not go out at once goes out in front of the response.
    sendInterim(exchange)
  }

  /// A piece of a body is in its file.
  mutating func spilled(_ job: SpillJob) {
    var work = job.finish()
    if let bytes = work.bytes.take() { pieces.give(bytes) }
    let exchange = job.owner
    guard exchanges.contains(exchange) else { return }
    if work.error != nil {
      exchanges[exchange].reason = .spillFailed
      if exchanges[exchange].hasResponseHead { return abandon(exchange) }
      return refuse(exchange, status: 500, reason: .spillFailed)
    }
    if job.isRequest {
      exchanges[exchange].requestStore.written()
      flushRequestStore(exchange, all: exchanges[exchange].requestBody.isDone)
      if exchanges[exchange].phase == .holding { return readRequestBody(exchange) }
    } else {
      exchanges[exchange].responseStore.written()
      flushResponseStore(exchange)
    }
    advance(exchange)
  }
}
