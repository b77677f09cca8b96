import HTTP
import Memory
import Reactor

extension Worker {
  /// Bodies up to this size are copied behind their head; larger ones are sent from where they
  /// are, with the same call.
  static let copyLimit = 2048

  enum Move {
    case moved
    /// Nobody has room: the client must take something first.
    case noRoom
    /// What is here is half of something.
    case needsMore
    case ended
  }

  /// Relays the body: to the client as fast as it takes it, into the store as fast as the
  /// server sends it where the response is buffered.
  mutating func pumpResponse(_ exchange: Handle) {
    // It has had its share, and more has happened since: its next turn will see to that.
    guard !exchanges[exchange].awaitsTurn else { return }
    var budget = Self.pieceBudget
    while budget > 0 {
      budget -= 1
      var move = Move.moved
      if exchanges[exchange].hasBodyInput { move = moveBody(exchange, &budget) }
      if case .ended = move { return }
      if exchanges[exchange].responseBody.isDone, !exchanges[exchange].isResponseWhole {
        completeResponse(exchange)
      }
      guard sendToClient(exchange, budget: &budget) else { return }
      if exchanges[exchange].isResponseWhole, isAllSent(exchange) { return finish(exchange) }
      if exchanges[exchange].isResponseWhole || exchanges[exchange].responseBody.isDone {
        guard clientMoves(exchange) else { return waitForClient(exchange) }
        continue
      }
      if case .noRoom = move {
        guard clientMoves(exchange) else { return waitForClient(exchange) }
        continue
      }
      if case .moved = move, exchanges[exchange].hasBodyInput { continue }
      guard mayReadMore(exchange) else { return waitForClient(exchange) }
      guard upstreams[exchanges[exchange].upstream].transport.isReadable else {
        if flushPause(exchange) { continue }
        return waitForClient(exchange)
      }
      guard receiveBody(exchange, &budget) else { return }
    }
    exchanges[exchange].awaitsTurn = true
    ready.append(Token(kind: .client, exchanges[exchange].client))
  }

  /// The turn has come for which the response of a client's exchange waited, if it did.
  mutating func giveTurn(_ client: Handle) {
    guard clients.contains(client), clients[client].state == .exchange else { return }
    exchanges[clients[client].work].awaitsTurn = false
  }

  private func isAllSent(_ exchange: Handle) -> Bool {
    exchanges[exchange].output.isEmpty && exchanges[exchange].isNothingBehindOutput
      && exchanges[exchange].file == nil
  }

  /// Whether the client can be sent more without waiting for an event.
  private func clientMoves(_ exchange: Handle) -> Bool {
    guard clients[exchanges[exchange].client].transport.isWritable else { return false }
    if exchanges[exchange].isReadingFile { return false }
    return exchanges[exchange].responseStore.front != .writing
  }

  /// What waits for the client must be on its way before long.
  private mutating func waitForClient(_ exchange: Handle) {
    let client = exchanges[exchange].client
    if clients[client].transport.takeFlush() { clients[client].deadline.clear() }
    guard !clients[client].transport.isWritable, clients[client].deadline.instant == .max else {
      return
    }
    setClientDeadline(client, after: snapshot.timeouts.send)
  }

  // MARK: From the server

  private mutating func mayReadMore(_ exchange: Handle) -> Bool {
    if isAllSent(exchange) { return true }
    guard exchanges[exchange].buffersResponse else { return false }
    if maySplice(exchange) { return true }
    if !exchanges[exchange].responseStore.isOpen {
      return exchanges[exchange].output.space > Self.copyLimit || openResponseStore(exchange)
    }
    let room =
      exchanges[exchange].responseStore.makeRoom(writer: environment.spill, pool: &pieces)
    return room > Exchange.framingSpace
  }

  mutating func openResponseStore(_ exchange: Handle) -> Bool {
    exchanges[exchange].responseStore = BodyStore(
      memory: responseMemory.take(), keepsTaken: false, maySpill: true)
    return true
  }

  /// Reads once from the server; false when the exchange has ended.
  private mutating func receiveBody(_ exchange: Handle, _ budget: inout Int) -> Bool {
    switch passBody(exchange, &budget) ?? readBody(exchange) {
    case .bytes:
      setUpstreamDeadline(exchanges[exchange].upstream, after: responseTimeout(exchange))
      return true
    case .wouldBlock:
      return true
    case .endOfStream:
      guard case .untilClose = exchanges[exchange].responseBody else { break }
      exchanges[exchange].responseBody = .none
      exchanges[exchange].isUpstreamPersistent = false
      exchanges[exchange].owesLastChunk = exchanges[exchange].encoding == .chunked
      return true
    case .failed:
      break
    }
    serverFailed(exchange, .serverClosedResponse)
    return false
  }

  /// Moves the next piece of a large body on its own way; nil when it has to be read like others.
  private mutating func passBody(_ exchange: Handle, _ budget: inout Int) -> Transport.Reading? {
    switch exchanges[exchange].passage {
    case .copied: nil
    case .spliced: maySplice(exchange) ? spliceBody(exchange) : nil
    case .sealed: maySeal(exchange) ? sealBody(exchange, &budget) : nil
    }
  }

  private mutating func readBody(_ exchange: Handle) -> Transport.Reading {
    buffers.equip(&exchanges[exchange].input)
    if exchanges[exchange].input.space == 0 { exchanges[exchange].input.compact() }
    return upstreams[exchanges[exchange].upstream].transport.receive(
      into: &exchanges[exchange].input)
  }

  /// All of the body has been read: its end is written, the server is free.
  @inline(__always) private mutating func completeResponse(_ exchange: Handle) {
    guard finishCompressing(exchange) else { return }
    if exchanges[exchange].owesLastChunk {
      guard appendLastChunk(exchange) else { return }
      exchanges[exchange].owesLastChunk = false
    }
    exchanges[exchange].isResponseWhole = true
    guard exchanges[exchange].upstream != .none else { return }
    let isClean =
      exchanges[exchange].isUpstreamPersistent && exchanges[exchange].isSent
      && exchanges[exchange].input.isEmpty
    releaseUpstream(exchange, isReusable: isClean)
    endRequest(exchange, exchanges[exchange].retry.isBad ? .failed : .answered)
    buffers.strip(&exchanges[exchange].input)
  }

  private mutating func appendLastChunk(_ exchange: Handle) -> Bool {
    if exchanges[exchange].responseStore.isEmpty,
      exchanges[exchange].output.space >= ChunkWriter.lastSpace
    {
      ChunkWriter.last(to: &exchanges[exchange].output)
      return true
    }
    scratch.clear()
    ChunkWriter.last(to: &scratch)
    return appendScratch(exchange)
  }

  // MARK: To the client

  /// Moves what is here of the body towards the client.
  private mutating func moveBody(_ exchange: Handle, _ budget: inout Int) -> Move {
    do throws(Malformed) {
      if exchanges[exchange].compressor != .none {
        return try compressBody(exchange, budget: &budget)
      }
      if exchanges[exchange].isNothingBehindOutput {
        if exchanges[exchange].passesAsIs,
          exchanges[exchange].input.count > Self.copyLimit,
          clients[exchanges[exchange].client].transport.isWritable
        {
          return sendStraight(exchange)
        }
        buffers.equip(&exchanges[exchange].output)
        if exchanges[exchange].output.space < Self.copyLimit {
          exchanges[exchange].output.compact()
        }
        if exchanges[exchange].output.space > Exchange.framingSpace {
          let room = exchanges[exchange].output.space
          if try exchanges[exchange].encodeToOutput() { return .moved }
          return isShort(room, exchange) ? .noRoom : .needsMore
        }
      }
      guard exchanges[exchange].buffersResponse else { return .noRoom }
      return try storeBody(exchange)
    } catch {
      serverFailed(exchange, .serverMalformed)
      return .ended
    }
  }

  /// Sends the head, if it still waits, and the body in one call, from where they are.
  private mutating func sendStraight(_ exchange: Handle) -> Move {
    let client = exchanges[exchange].client
    do throws(SystemError) {
      if try exchanges[exchange].sendStraight(to: &clients[client].transport) {
        clients[client].deadline.clear()
      }
      return .moved
    } catch {
      exchanges[exchange].reason = .clientClosedResponse
      abandon(exchange)
      return .ended
    }
  }

  /// Puts what is here into the store, as it will go to the client.
  private mutating func storeBody(_ exchange: Handle) throws(Malformed) -> Move {
    if !exchanges[exchange].responseStore.isOpen { _ = openResponseStore(exchange) }
    let room =
      exchanges[exchange].responseStore.makeRoom(writer: environment.spill, pool: &pieces)
    guard room > Exchange.framingSpace else { return .noRoom }
    scratch.clear(reserving: scratch.capacity - min(room, scratch.capacity))
    guard try exchanges[exchange].encode(into: &scratch) else {
      return isShort(min(room, scratch.capacity), exchange) ? .noRoom : .needsMore
    }
    exchanges[exchange].responseStore.append(scratch)
    flushResponseStore(exchange)
    return .moved
  }

  /// Whether it was for want of room that the line of a trailer was not taken, not of its end.
  private func isShort(_ room: Int, _ exchange: Handle) -> Bool {
    exchanges[exchange].input.count > room - Exchange.framingSpace
  }

  mutating func appendScratch(_ exchange: Handle) -> Bool {
    if !exchanges[exchange].responseStore.isOpen { _ = openResponseStore(exchange) }
    let room =
      exchanges[exchange].responseStore.makeRoom(writer: environment.spill, pool: &pieces)
    guard room >= scratch.count else { return false }
    exchanges[exchange].responseStore.append(scratch)
    flushResponseStore(exchange)
    return true
  }

  mutating func flushResponseStore(_ exchange: Handle) {
    exchanges[exchange].responseStore.flush(
      all: false, owner: exchange, isRequest: false, writer: environment.spill,
      mailbox: environment.mailbox)
  }

  /// Sends what waits; false when the exchange has ended over it.
  @inline(__always) private mutating func sendToClient(_ exchange: Handle, budget: inout Int)
    -> Bool
  {
    let client = exchanges[exchange].client
    do throws(SystemError) {
      while clients[client].transport.isWritable, !isAllSent(exchange) {
        guard budget >= 0, let sent = try sendFront(exchange, &budget) else { break }
        budget -= 1
        exchanges[exchange].bytesOut += UInt64(sent)
        if sent > 0 { clients[client].deadline.clear() }
      }
      return true
    } catch {
      let isCut = exchanges[exchange].file != nil && error.errno == SystemError.inputOutput
      exchanges[exchange].reason = isCut ? .fileCut : .clientClosedResponse
      abandon(exchange)
      return false
    }
  }

  /// Sends once from what is in front; nil when there is nothing to be sent now.
  @inline(__always) private mutating func sendFront(
    _ exchange: Handle, _ budget: inout Int
  ) throws(SystemError) -> Int? {
    let client = exchanges[exchange].client
    if !exchanges[exchange].output.isEmpty {
      let more = exchanges[exchange].file != nil || exchanges[exchange].pipe != .none
      return try clients[client].transport.send(&exchanges[exchange].output, more: more)
    }
    if exchanges[exchange].pipe != .none { return try sendPiped(exchange) }
    let front = exchanges[exchange].responseStore.front
    if front != .nothing {
      guard front != .writing else { return nil }
      return try exchanges[exchange].responseStore.send(to: &clients[client].transport)
    }
    return try sendFile(exchange, &budget)
  }
}
