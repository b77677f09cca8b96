import HTTP
import Memory
import Reactor

extension Worker {
  /// The response is out: the exchange is logged and the connection goes on, or ends.
  mutating func finish(_ exchange: Handle) {
    record(exchange)
    let client = exchanges[exchange].client
    let bodyIsRead = exchanges[exchange].requestBody.isDone
    if exchanges[exchange].endsConnection || !bodyIsRead {
      let isAgreed =
        bodyIsRead && !exchanges[exchange].facts.isPersistent
        && !hasLeftover(exchange) && !clients[client].transport.isReadable
        && clients[client].transport.isFlushed
      drop(exchange)
      guard isAgreed else { return beginLingering(client) }
      // A client that asked for the end sends nothing more that a close could trip over.
      guard clients[client].transport.conclude() else { return beginLingering(client) }
      return closeClient(client)
    }
    let end = exchanges[exchange].requestEnd
    clients[client].unwanted = UInt32(max(end - exchanges[exchange].request.count, 0))
    var rest = takeLeftover(exchange)
    drop(exchange)
    clients[client].deadline.clear()
    clients[client].state = .idle
    if !rest.isEmpty || clients[client].transport.isReadable {
      return beginNext(client, leftover: rest)
    }
    buffers.strip(&rest)
    awaitRequest(client)
  }

  /// Nothing is owed to the client, and it may ask again as long as connections are kept.
  mutating func awaitRequest(_ client: Handle) {
    clients[client].state = .idle
    clients[client].work = .none
    if isDraining { return endIdle(client) }
    guard clients[client].deadline.instant == .max else { return }
    setClientDeadline(client, after: snapshot.timeouts.keepalive)
  }

  private func hasLeftover(_ exchange: Handle) -> Bool {
    exchanges[exchange].request.count > exchanges[exchange].requestEnd
  }

  /// Bytes that came behind the request: the beginning of the next one.
  @inline(__always) private mutating func takeLeftover(_ exchange: Handle) -> ByteBuffer {
    guard hasLeftover(exchange) else { return ByteBuffer() }
    let end = exchanges[exchange].requestEnd
    var rest = exchanges[exchange].request.take()
    rest.consume(end)
    rest.compact()
    return rest
  }

  /// The next request has come already; it is served in this turn unless the client sends so
  /// many that others would wait.
  private mutating func beginNext(_ client: Handle, leftover: consuming ByteBuffer) {
    guard depth < Self.pieceBudget else {
      return beginExchange(client, leftover: leftover, isDeferred: true)
    }
    depth += 1
    beginExchange(client, leftover: leftover)
    depth -= 1
  }

  /// Ends an exchange whose client has gone, or must go: the connection closes with it.
  mutating func abandon(_ exchange: Handle) {
    leaveRoom(exchange)
    record(exchange)
    let client = exchanges[exchange].client
    endWithServer(exchange)
    drop(exchange)
    closeClient(client)
  }

  /// Ends a connection on which no request has begun: there is nothing to log.
  mutating func abandonSilently(_ exchange: Handle) {
    let client = exchanges[exchange].client
    drop(exchange)
    // Who has said its end is told ours, where there are words for that (RFC 8446 §6.1).
    _ = clients[client].transport.conclude()
    closeClient(client)
  }

  /// The response stops in its middle: the client must see that it is not whole.
  mutating func cutResponse(_ exchange: Handle) {
    let client = exchanges[exchange].client
    // What was said counts as far as it goes; an end before the announced length, or before the
    // last chunk, tells of the cut. Where only the end of the connection ends the body, an
    // orderly end would pass for the whole: there it must be a reset.
    sendInterim(exchange)
    if exchanges[exchange].isEndedByClose {
      Syscalls.set(.resetOnClose, on: clients[client].transport.socket)
    }
    abandon(exchange)
  }

  private mutating func endWithServer(_ exchange: Handle) {
    guard exchanges[exchange].upstream != .none else { return }
    releaseUpstream(exchange, isReusable: false)
    endRequest(exchange, .abandoned)
  }

  /// Gives back all that an exchange holds.
  mutating func drop(_ exchange: Handle) {
    if exchanges[exchange].holdsMore { dropMore(exchange) }
    buffers.strip(&exchanges[exchange].request)
    buffers.strip(&exchanges[exchange].output)
    let generation = exchanges[exchange].generation
    exchanges.discard(exchange)
    leave(generation)
  }

  /// What most exchanges do not hold in the end.
  private mutating func dropMore(_ exchange: Handle) {
    closeFile(exchange)
    stopCompressing(exchange)
    dropPipe(exchange)
    exchanges[exchange].limits.release(by: environment.limiter)
    buffers.strip(&exchanges[exchange].chunk)
    buffers.strip(&exchanges[exchange].input)
    buffers.strip(&exchanges[exchange].retry.kept)
    requestMemory.give(
      exchanges[exchange].requestStore.close(writer: environment.spill, piecePool: &pieces))
    responseMemory.give(
      exchanges[exchange].responseStore.close(writer: environment.spill, piecePool: &pieces))
  }
}
