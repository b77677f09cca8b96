public import CLibraries
import HTTP
import Memory
import Reactor

/// How TLS with the servers of a pool is begun.
public struct UpstreamTLS: Sendable {
  public let context: TLSContext
  /// By server: whom its certificate has to be for.
  public let peers: [TLSPeer]

  public init(context: TLSContext, peers: [TLSPeer]) {
    self.context = context
    self.peers = peers
  }
}

extension Worker {
  private func upstreamTLS(_ exchange: Handle) -> UpstreamTLS? {
    let generation = exchanges[exchange].generation
    return generations[generation].snapshot.pools[exchanges[exchange].route.pool].tls
  }

  /// The connection to a server stands. Where the pool speaks TLS hands are shaken first; false
  /// when the request goes out by then.
  mutating func beginUpstreamHandshake(_ exchange: Handle, _ upstream: Handle) -> Bool {
    guard exchanges[exchange].pool.speaksTLS, let tls = upstreamTLS(exchange) else { return false }
    upstreams[upstream].state = .handshake
    let cell = upstreams[upstream].cell
    let peer = tls.peers[exchanges[exchange].server]
    guard
      upstreams[upstream].transport.secure(by: tls.context, as: peer, resuming: tickets[cell])
    else {
      serverFailed(exchange, .connectFailed)
      return true
    }
    shakeHandsWithServer(exchange, upstream)
    return true
  }

  /// Goes on with a handshake; the request goes out when it is done.
  mutating func shakeHandsWithServer(_ exchange: Handle, _ upstream: Handle) {
    switch upstreams[upstream].transport.shakeHands() {
    case .goesOn: return
    case .done: beginRequest(exchange, upstream)
    case .plainHTTP, .failed:
      let cell = upstreams[upstream].cell
      tickets[cell] = nil
      if let address = environment.cells[cell].address {
        environment.report(
          .tls(server: address, problem: upstreams[upstream].transport.handshakeProblem))
      }
      countConnectFailure(exchange)
      serverFailed(exchange, .connectFailed)
    }
  }

  /// A session that has been of use is resumed by the next connection: what the server has sent
  /// for that came with its first answer.
  mutating func keepTicket(_ exchange: Handle, _ upstream: Handle) {
    guard upstreams[upstream].requests == 1, let tls = upstreamTLS(exchange) else { return }
    let peer = tls.peers[exchanges[exchange].server]
    if let ticket = upstreams[upstream].transport.ticket(tls.context, peer) {
      tickets[upstreams[upstream].cell] = ticket
    }
  }
}
