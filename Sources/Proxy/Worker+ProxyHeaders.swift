import Memory
import Network
import Reactor

// Connections that a balancer passes on, and says in front of them whose they are. Whoever is not
// believed is served under its own address, and what it sends is read as TLS or HTTP: there such a
// header is no beginning, so that nobody takes another's address.
extension Worker {
  /// A client of whom a header is to tell.
  mutating func awaitProxyHeader(_ client: Handle, _ listener: Int) {
    clients[client].state = .proxyHeader
    // Until the header is here there is no exchange: the place of its handle says where it came.
    clients[client].work = Handle(slot: UInt32(listener), generation: 0)
    setClientDeadline(client, after: snapshot.timeouts.handshake)
  }

  /// Looks at what has come, and takes the header from the socket once it is whole; what stands
  /// behind it may be libssl's to read, and stays there.
  mutating func readProxyHeader(_ client: Handle) {
    guard clients[client].transport.isReadable else { return }
    scratch.clear(reserving: scratch.capacity - ProxyHeader.bytesLimit)
    switch clients[client].transport.peek(into: &scratch) {
    case .bytes: break
    case .wouldBlock: return
    case .endOfStream, .failed: return closeClient(client)  // a check of the port, most likely
    }
    do throws(ProxyHeader.Fault) {
      guard let header = try ProxyHeader.parse(scratch.readable) else {
        // Each byte more is an event.
        if clients[client].transport.isDone { refuseProxyHeader(client) }
        return
      }
      take(header, of: client)
    } catch {
      refuseProxyHeader(client)
    }
  }

  private mutating func take(_ header: ProxyHeader, of client: Handle) {
    scratch.clear(reserving: scratch.capacity - header.length)
    guard case .bytes = clients[client].transport.receive(into: &scratch),
      scratch.count == header.length
    else { return closeClient(client) }
    if let source = header.source { clients[client].address = source }
    clients[client].cameSecurely = header.isSecure
    let listener = Int(clients[client].work.slot)
    if identities[listener] != nil {
      admitSecurely(client, listener)
    } else {
      clients[client].state = .idle
      clients[client].work = .none
      setClientDeadline(client, after: snapshot.timeouts.head)
    }
    // What stands behind the header has had its event already.
    clients[client].transport.isReadable = true
    clientEvent(client, [])
  }

  /// What comes from a balancer without a whole header is nobody's: it is not answered.
  private mutating func refuseProxyHeader(_ client: Handle) {
    environment.counters.add(environment.slots.refused)
    let exchange = makeExchange(client)
    exchanges[exchange].status = 400
    exchanges[exchange].reason = .badProxyHeader
    abandon(exchange)
  }
}
