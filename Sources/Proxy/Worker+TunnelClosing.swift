import HTTP
import Memory
import Reactor

/// What it takes to end a WebSocket in good order (RFC 6455 §7.1): each side is told between two
/// frames that it is over, may say what is left, and ends.
struct TunnelClosing {
  var toClient = WebSocketFrameTracker()
  var toServer = WebSocketFrameTracker()
  /// Frames are followed, from the first on.
  var isTracked = false
  /// It is to end: each side is told when the frame that passes is over.
  var isDue = false
  var clientIsTold = false
  var serverIsTold = false
}

extension Tunnel {
  /// Follows what has come for the client; answers where the last frame in it ends.
  fileprivate mutating func passToClient(skipping count: Int = 0) -> Int? {
    Self.pass(&closing.toClient, toClient, count)
  }

  /// Follows what has come for the server; answers where the last frame in it ends.
  fileprivate mutating func passToServer() -> Int? { Self.pass(&closing.toServer, toServer, 0) }

  private static func pass(
    _ tracker: inout WebSocketFrameTracker, _ bytes: borrowing ByteBuffer, _ skipped: Int
  ) -> Int? {
    tracker.pass(bytes.readable.extracting(droppingFirst: skipped))
  }
}

extension Worker {
  /// How long both sides have, from when it is due, to come to the end of a frame, to be told
  /// and to end themselves.
  static let closeGrace: UInt64 = 5_000_000_000

  /// Follows the frames of a tunnel that has just begun.
  ///
  /// - Parameter early: bytes of frames behind the head for the client.
  mutating func trackTunnel(_ tunnel: Handle, early: Int) {
    tunnels[tunnel].closing.isTracked = true
    _ = tunnels[tunnel].passToClient(skipping: tunnels[tunnel].toClient.count - early)
    _ = tunnels[tunnel].passToServer()
    if isDraining { scheduleClose(tunnel, at: clock.now) } else { scheduleIfMoving(tunnel) }
  }

  /// The connection to the server has no other deadline while it is a tunnel's.
  mutating func scheduleClose(_ tunnel: Handle, at time: Instant) {
    let upstream = tunnels[tunnel].upstream
    guard !tunnels[tunnel].closing.isDue, time < upstreams[upstream].deadline.instant else {
      return
    }
    upstreams[upstream].deadline.set(time, token: Token(kind: .upstream, upstream), &wheel)
  }

  /// The time has come to end a tunnel, or its grace is over.
  mutating func tunnelIsDue(_ tunnel: Handle) {
    guard !tunnels[tunnel].closing.isDue else { return endTunnel(tunnel, reason: .moved) }
    tunnels[tunnel].closing.isDue = true
    setUpstreamDeadline(tunnels[tunnel].upstream, after: Self.closeGrace)
    if tunnels[tunnel].closing.toClient.isAtBoundary { tellClient(tunnel) }
    if tunnels[tunnel].closing.toServer.isAtBoundary { tellServer(tunnel) }
    pumpTunnel(tunnel)
  }

  /// Takes note of what the server has just sent, and of none of it once the client has been
  /// told that it is over.
  mutating func trackToClient(_ tunnel: Handle) {
    let end = tunnels[tunnel].passToClient()
    guard tunnels[tunnel].closing.isDue else { return }
    if tunnels[tunnel].closing.clientIsTold { return tunnels[tunnel].toClient.clear() }
    guard let end else { return }
    tunnels[tunnel].toClient.removeLast(tunnels[tunnel].toClient.count - end)
    tellClient(tunnel)
  }

  /// The same of what the client has just sent.
  mutating func trackToServer(_ tunnel: Handle) {
    let end = tunnels[tunnel].passToServer()
    guard tunnels[tunnel].closing.isDue else { return }
    if tunnels[tunnel].closing.serverIsTold { return tunnels[tunnel].toServer.clear() }
    guard let end else { return }
    tunnels[tunnel].toServer.removeLast(tunnels[tunnel].toServer.count - end)
    tellServer(tunnel)
  }

  /// 1012, service restart (IANA, WebSocket Close Code Numbers): the client connects anew.
  private mutating func tellClient(_ tunnel: Handle) {
    guard !tunnels[tunnel].serverIsDone else { return }
    tunnels[tunnel].closing.clientIsTold = true
    Self.appendClose(1012, mask: nil, to: &tunnels[tunnel].toClient, &buffers)
  }

  /// 1001, going away (RFC 6455 §7.4.1), masked as all that a client sends.
  private mutating func tellServer(_ tunnel: Handle) {
    guard !tunnels[tunnel].clientIsDone else { return }
    tunnels[tunnel].closing.serverIsTold = true
    let mask = UInt32(truncatingIfNeeded: random.next())
    Self.appendClose(1001, mask: mask, to: &tunnels[tunnel].toServer, &buffers)
  }

  private static func appendClose(
    _ code: UInt16, mask: UInt32?, to buffer: inout ByteBuffer, _ buffers: inout BufferPool
  ) {
    let frame = WebSocketFrame(.close, mask: mask, payloadCount: 2)
    let needed = frame.length + 2
    buffers.equip(&buffer)
    if buffer.space < needed { grow(&buffer, to: buffer.count + needed, &buffers) }
    frame.write(to: &buffer)
    let payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
    WebSocketFrame.append(payload.span, mask: mask ?? 0, to: &buffer)
  }
}
