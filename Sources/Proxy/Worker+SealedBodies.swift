import Memory
import Reactor

// A large body for a client over TLS is read in larger pieces than others, and sealed from where it
// was read into: the worker has one place for that, for all exchanges. It is empty again when the
// call is over, since what the client does not take goes into the store, which counts it. So there
// is no more of a body in memory than the route allows, and a slow client has none of it here.

extension Worker {
  /// Bytes read at once: eight records, which go out in two or three packets where packets are large.
  static let sealedPiece = 128 << 10
  /// What that is in pieces of `pieceBudget`.
  private static let sealedCost = 8

  /// Whether what the server sends next may go to the client at once.
  func maySeal(_ exchange: Handle) -> Bool {
    exchanges[exchange].buffersResponse && exchanges[exchange].output.isEmpty
      && exchanges[exchange].input.isEmpty && exchanges[exchange].responseStore.isEmpty
      && clients[exchanges[exchange].client].transport.isWritable
  }

  /// Reads the next piece of the body from the server and sends it; nil when that cannot be, and it
  /// has to be read like others.
  mutating func sealBody(_ exchange: Handle, _ budget: inout Int) -> Transport.Reading? {
    guard case .length(let left) = exchanges[exchange].responseBody else { return nil }
    let room = min(storeRoom(exchange), Self.sealedPiece)
    guard room > 0 else { return nil }
    if sealed.capacity == 0 { sealed = ByteBuffer(capacity: Self.sealedPiece) }
    // One byte more than the body has: that nothing stands behind it is known then, too.
    let most = left < UInt64(room) ? Int(left) + 1 : room
    sealed.clear(reserving: Self.sealedPiece - most)
    let reading = upstreams[exchanges[exchange].upstream].transport.receive(into: &sealed)
    guard case .bytes = reading else { return reading }
    budget -= Self.sealedCost - 1
    let count = min(sealed.count, Int(clamping: left))
    exchanges[exchange].responseBody =
      left == UInt64(count) ? .none : .length(left - UInt64(count))
    keepSurplus(exchange, behind: count)
    sendSealed(exchange)
    return .bytes
  }

  /// What the store takes of what the client does not.
  private mutating func storeRoom(_ exchange: Handle) -> Int {
    guard exchanges[exchange].responseStore.isOpen else { return responseMemory.bufferCapacity }
    return exchanges[exchange].responseStore.makeRoom(writer: environment.spill, pool: &pieces)
  }

  /// A byte that the server has sent behind the body is no answer to anybody: the connection is not
  /// used again with that.
  private mutating func keepSurplus(_ exchange: Handle, behind count: Int) {
    guard sealed.count > count else { return }
    let surplus = sealed.readable[count]
    sealed.removeLast(1)
    buffers.equip(&exchanges[exchange].input)
    exchanges[exchange].input.append(surplus)
  }

  private mutating func sendSealed(_ exchange: Handle) {
    let client = exchanges[exchange].client
    // A connection that is gone is noticed when the rest is sent.
    let sent = (try? clients[client].transport.send(&sealed)) ?? 0
    exchanges[exchange].bytesOut += UInt64(sent)
    if sent > 0 { clients[client].deadline.clear() }
    guard !sealed.isEmpty else { return }
    if !exchanges[exchange].responseStore.isOpen { _ = openResponseStore(exchange) }
    exchanges[exchange].responseStore.append(sealed)
    flushResponseStore(exchange)
    sealed.clear()
  }
}
