import HTTP
import Memory
import Reactor

extension Worker {
  /// Begins an exchange for bytes that have come, or are about to be read.
  ///
  /// - Parameter leftover: bytes that came behind the previous request.
  mutating func beginExchange(
    _ client: Handle, leftover: consuming ByteBuffer = ByteBuffer(), isDeferred: Bool = false
  ) {
    let exchange = makeExchange(client, leftover: leftover)
    if isDeferred { return ready.append(Token(kind: .client, client)) }
    readHead(exchange)
  }

  mutating func makeExchange(
    _ client: Handle, leftover: consuming ByteBuffer = ByteBuffer()
  ) -> Handle {
    guard
      let handle = exchanges.insert(
        Exchange(client: client, generation: current, start: clock.now))
    else {
      // There are as many places as clients: one client has one exchange.
      preconditionFailure("an exchange for each client")
    }
    exchanges[handle].request = leftover
    buffers.equip(&exchanges[handle].request)
    generations[current].exchanges += 1
    clients[client].state = .exchange
    clients[client].work = handle
    return handle
  }

  /// Reads until the head is whole, or nothing more is to be had now.
  mutating func readHead(_ exchange: Handle) {
    let client = exchanges[exchange].client
    while true {
      if exchanges[exchange].request.count > exchanges[exchange].scanned {
        guard parseHead(exchange) else { return }
      }
      guard clients[client].transport.isReadable else { return waitForHead(exchange) }
      guard makeRoomForHead(exchange) else { return }
      switch clients[client].transport.receive(into: &exchanges[exchange].request) {
      case .bytes: passOverUnwanted(exchange)
      case .wouldBlock: return waitForHead(exchange)
      case .endOfStream, .failed:
        if exchanges[exchange].request.isEmpty { return abandonSilently(exchange) }
        exchanges[exchange].reason = .clientClosedRequest
        return abandon(exchange)
      }
    }
  }

  /// Drops what is still to come of a body that the last response did without.
  @inline(__always) private mutating func passOverUnwanted(_ exchange: Handle) {
    let client = exchanges[exchange].client
    guard clients[client].unwanted > 0 else { return }
    let count = min(Int(clients[client].unwanted), exchanges[exchange].request.count)
    exchanges[exchange].request.remove(at: 0, count: count)
    clients[client].unwanted -= UInt32(count)
  }

  /// Parses what is here; false when the exchange has gone on, or has ended.
  @inline(__always) private mutating func parseHead(_ exchange: Handle) -> Bool {
    let limits = generations[exchanges[exchange].generation].snapshot.requestLimits
    do throws(Refusal) {
      let scanned = exchanges[exchange].scanned
      // A head that comes in pieces is parsed again only when its end has come.
      if scanned > 0,
        !(try HeadEnd.find(
          in: exchanges[exchange].request.readable, searched: scanned, limits: limits))
      {
        exchanges[exchange].scanned = exchanges[exchange].request.count
        return true
      }
      headOwner = .none
      guard try Self.parse(&requestHead, &exchanges[exchange].request, limits: limits) else {
        exchanges[exchange].scanned = exchanges[exchange].request.count
        return true
      }
    } catch {
      refuseHead(exchange, error)
      return false
    }
    headOwner = exchange
    exchanges[exchange].headLength = requestHead.length
    route(exchange)
    return false
  }

  private mutating func refuseHead(_ exchange: Handle, _ refusal: Refusal) {
    environment.counters.add(environment.slots.refused)
    noteFirstLine(exchange)
    refuse(exchange, status: refusal.status, reason: .badRequest)
  }

  /// The log shows what it can of a request line that could not be read.
  private mutating func noteFirstLine(_ exchange: Handle) {
    exchanges[exchange].facts.target = Self.firstLine(exchanges[exchange].request)
  }

  private static func firstLine(_ request: borrowing ByteBuffer) -> Slice {
    let bytes = request.readable
    var end = 0
    while end < min(bytes.count, 256), bytes[end] != 10, bytes[end] != 13 { end += 1 }
    return Slice(0..<end)
  }

  static func parse(
    _ head: inout RequestHead, _ request: inout ByteBuffer, limits: HeadLimits
  ) throws(Refusal) -> Bool {
    try head.parse(request.readable, limits: limits)
  }

  /// A full buffer grows to what the limit allows; false when it is there already.
  @inline(__always) private mutating func makeRoomForHead(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].request.space == 0 else { return true }
    let limits = generations[exchanges[exchange].generation].snapshot.requestLimits
    let capacity = limits.headBytes + 4096
    guard exchanges[exchange].request.capacity < capacity else {
      refuseHead(exchange, Refusal(.headTooLong, at: limits.headBytes))
      return false
    }
    Self.grow(&exchanges[exchange].request, to: capacity, &buffers)
    return true
  }

  static func grow(_ buffer: inout ByteBuffer, to capacity: Int, _ pool: inout BufferPool) {
    var larger = ByteBuffer(capacity: capacity)
    larger.append(buffer.readable)
    swap(&larger, &buffer)
    pool.give(larger)
  }

  private mutating func waitForHead(_ exchange: Handle) {
    let client = exchanges[exchange].client
    guard exchanges[exchange].request.isEmpty else {
      // From the first byte on, so that a byte now and then does not keep it open.
      let deadline = exchanges[exchange].start &+ snapshot.timeouts.head
      clients[client].deadline.set(deadline, token: Token(kind: .client, client), &wheel)
      return
    }
    // Woken for nothing: back to owning nothing.
    drop(exchange)
    awaitRequest(client)
  }
}
