import Balancing
import HTTP
import Memory
import Reactor

/// Two connections between which bytes go to and fro, unread (RFC 9110 §3.7): what a WebSocket
/// is to us. It holds buffers only while bytes wait.
struct Tunnel: ~Copyable {
  let client: Handle
  let upstream: Handle
  let generation: Handle
  /// The request's line for the log, and what its end needs.
  let record: AccessRecord
  let timeout: UInt64
  /// Where limits count it as under way.
  var limits = HeldLimits()
  // Here there is room for them anyway.
  /// Each end has said its last, and the other has been told.
  var clientIsDone = false
  var serverIsDone = false
  var toServer = ByteBuffer()
  var toClient = ByteBuffer()
  var bytesIn: UInt64 = 0
  var bytesOut: UInt64 = 0
  var closing = TunnelClosing()
}

extension Worker {
  /// The server has agreed to another protocol: from here on bytes are passed, not read.
  mutating func beginTunnel(_ exchange: Handle) {
    endTrial(exchange, .answered)
    exchanges[exchange].status = 101
    exchanges[exchange].phase = .responding
    guard writeResponseHead(exchange) else { return serverFailed(exchange, .serverMalformed) }
    exchanges[exchange].input.consume(responseHead.length)
    let client = exchanges[exchange].client
    let upstream = exchanges[exchange].upstream
    var tunnel = Tunnel(
      client: client, upstream: upstream, generation: exchanges[exchange].generation,
      record: makeRecord(exchange), timeout: exchanges[exchange].route.tunnelTimeout)
    tunnel.toClient = exchanges[exchange].output.take()
    // What came with either head is the beginning of what is passed on.
    let early = exchanges[exchange].input.count
    if early > tunnel.toClient.space {
      Self.grow(&tunnel.toClient, to: tunnel.toClient.count + early, &buffers)
    }
    tunnel.toClient.append(exchanges[exchange].input.readable)
    let head = exchanges[exchange].headLength
    if exchanges[exchange].request.count > head {
      tunnel.toServer = exchanges[exchange].request.take()
      tunnel.toServer.consume(head)
    }
    guard let handle = tunnels.insert(tunnel) else {
      preconditionFailure("a tunnel for each client")
    }
    // The server goes on counting it, and the snapshot goes on being used.
    exchanges[exchange].upstream = .none
    let hasSessions = exchanges[exchange].pool.hasSessions
    generations[exchanges[exchange].generation].exchanges += 1
    tunnels[handle].limits = exchanges[exchange].limits
    exchanges[exchange].limits = HeldLimits()
    drop(exchange)
    clients[client].state = .tunnel
    clients[client].work = handle
    clients[client].deadline.clear()
    upstreams[upstream].state = .tunnel
    upstreams[upstream].work = handle
    upstreams[upstream].deadline.clear()
    environment.counters.add(environment.slots.tunnels)
    if hasSessions { trackTunnel(handle, early: early) }
    pumpTunnel(handle)
  }

  /// Passes on what can be passed on, both ways.
  mutating func pumpTunnel(_ tunnel: Handle) {
    guard tunnels.contains(tunnel) else { return }
    let client = tunnels[tunnel].client
    let before = tunnels[tunnel].bytesIn &+ tunnels[tunnel].bytesOut
    for _ in 0..<Self.pieceBudget {
      let sentToServer = tunnelToServer(tunnel)
      let sentToClient = tunnelToClient(tunnel)
      guard let sentToServer, let sentToClient else {
        return endTunnel(tunnel, reason: .ok)
      }
      if tunnels[tunnel].clientIsDone && tunnels[tunnel].serverIsDone {
        guard isFlushed(tunnel) else { return flushTunnel(tunnel) }
        return endTunnel(tunnel, reason: .ok)
      }
      if !sentToServer && !sentToClient {
        releaseTunnelBuffers(tunnel)
        let moved = tunnels[tunnel].bytesIn &+ tunnels[tunnel].bytesOut != before
        if moved || clients[client].deadline.instant == .max { setTunnelDeadline(tunnel) }
        return
      }
    }
    ready.append(Token(kind: .client, client))
  }

  private func isFlushed(_ tunnel: Handle) -> Bool {
    clients[tunnels[tunnel].client].transport.isFlushed
      && upstreams[tunnels[tunnel].upstream].transport.isFlushed
  }

  /// One step from client to server: true when something moved, nil when the way is broken.
  private mutating func tunnelToServer(_ tunnel: Handle) -> Bool? {
    let client = tunnels[tunnel].client
    let upstream = tunnels[tunnel].upstream
    var moved = false
    if tunnels[tunnel].toServer.isEmpty, clients[client].transport.isReadable,
      !tunnels[tunnel].clientIsDone
    {
      buffers.equip(&tunnels[tunnel].toServer)
      switch clients[client].transport.receive(into: &tunnels[tunnel].toServer) {
      case .bytes:
        moved = true
        if tunnels[tunnel].closing.isTracked { trackToServer(tunnel) }
      case .wouldBlock: break
      case .failed: return nil
      case .endOfStream:
        tunnels[tunnel].clientIsDone = true
        clients[client].transport.endReading()
        upstreams[upstream].transport.endSending()
        setTunnelDeadline(tunnel)
        return true
      }
    }
    guard !tunnels[tunnel].toServer.isEmpty, upstreams[upstream].transport.isWritable else {
      return moved
    }
    guard let sent = try? upstreams[upstream].transport.send(&tunnels[tunnel].toServer) else {
      return nil
    }
    tunnels[tunnel].bytesIn += UInt64(sent)
    if tunnels[tunnel].closing.serverIsTold, tunnels[tunnel].toServer.isEmpty {
      upstreams[upstream].transport.endSending()
    }
    return moved || sent > 0
  }

  /// One step from server to client.
  private mutating func tunnelToClient(_ tunnel: Handle) -> Bool? {
    let client = tunnels[tunnel].client
    let upstream = tunnels[tunnel].upstream
    var moved = false
    if tunnels[tunnel].toClient.isEmpty, upstreams[upstream].transport.isReadable,
      !tunnels[tunnel].serverIsDone
    {
      buffers.equip(&tunnels[tunnel].toClient)
      switch upstreams[upstream].transport.receive(into: &tunnels[tunnel].toClient) {
      case .bytes:
        moved = true
        if tunnels[tunnel].closing.isTracked { trackToClient(tunnel) }
      case .wouldBlock: break
      case .failed: return nil
      case .endOfStream:
        tunnels[tunnel].serverIsDone = true
        upstreams[upstream].transport.endReading()
        clients[client].transport.endSending()
        setTunnelDeadline(tunnel)
        return true
      }
    }
    guard !tunnels[tunnel].toClient.isEmpty, clients[client].transport.isWritable else {
      return moved
    }
    guard let sent = try? clients[client].transport.send(&tunnels[tunnel].toClient) else {
      return nil
    }
    tunnels[tunnel].bytesOut += UInt64(sent)
    if tunnels[tunnel].closing.clientIsTold, tunnels[tunnel].toClient.isEmpty {
      clients[client].transport.endSending()
    }
    return moved || sent > 0
  }

  /// How long nothing may pass from now on: a tunnel of which one side has ended is mostly a
  /// peer that has gone.
  private mutating func setTunnelDeadline(_ tunnel: Handle) {
    let timeout = tunnels[tunnel].timeout
    let hasEnd = tunnels[tunnel].clientIsDone || tunnels[tunnel].serverIsDone
    setClientDeadline(
      tunnels[tunnel].client,
      after: hasEnd ? min(snapshot.timeouts.halfClosed, timeout) : timeout)
  }

  /// What TLS still holds for one of them goes out first, event by event.
  private mutating func flushTunnel(_ tunnel: Handle) {
    releaseTunnelBuffers(tunnel)
    setClientDeadline(tunnels[tunnel].client, after: snapshot.timeouts.send)
  }

  /// Nothing waits: an idle tunnel owns no buffer.
  private mutating func releaseTunnelBuffers(_ tunnel: Handle) {
    if tunnels[tunnel].toServer.isEmpty { buffers.strip(&tunnels[tunnel].toServer) }
    if tunnels[tunnel].toClient.isEmpty { buffers.strip(&tunnels[tunnel].toClient) }
  }

  mutating func endTunnel(_ handle: Handle, reason: Termination) {
    var tunnel = tunnels.remove(handle)
    if !tunnel.limits.isEmpty { tunnel.limits.release(by: environment.limiter) }
    buffers.strip(&tunnel.toServer)
    buffers.strip(&tunnel.toClient)
    environment.counters.subtract(environment.slots.tunnels)
    let pool = Int(tunnel.record.pool)
    generations[tunnel.generation].balancer.end(pool: pool, server: Int(tunnel.record.server))
    let facts = generations[tunnel.generation].snapshot.pools[pool].facts
    if facts.hasCapacity { noteFreeSlot(facts.cell) }
    finishRecord(tunnel, reason: tunnel.closing.isDue && reason == .ok ? .moved : reason)
    leave(tunnel.generation)
    closeUpstream(tunnel.upstream)
    closeClient(tunnel.client)
  }
}
