import HTTP
import Memory
import Reactor

// The clients of Socket.IO in the background.
extension Generator {
  mutating func openSocket() throws(SystemError) {
    let socket: Descriptor
    do throws(SystemError) { socket = try Sockets.connecting(to: plan.server) } catch { return }
    guard let handle = sockets.insert(EngineClient(socket)) else { return }
    missingSockets -= 1
    try loop.register(sockets[handle].transport.socket, token: Self.token(.socket, handle))
  }

  mutating func handleSocket(_ event: Event) throws(SystemError) {
    let handle = event.token.handle
    guard sockets.contains(handle), let plan = mix.sockets else { return }
    sockets[handle].transport.note(event.readiness)
    do throws(Failure) {
      try goOn(handle, plan)
    } catch {
      if isCounting { report.events.record(error) }
      if sockets[handle].hasJoined { joinedSockets -= 1 }
      sockets.discard(handle)
      missingSockets += 1
    }
  }

  private var isCounting: Bool {
    let now = Clock.read().now
    return now >= window.counted && now < window.end
  }

  private mutating func goOn(_ handle: Handle, _ plan: Mix.SocketPlan) throws(Failure) {
    do throws(SystemError) {
      if sockets[handle].state == .connecting, sockets[handle].transport.isWritable {
        try sockets[handle].begin(plan.handshake.bytes.span)
      }
      try sockets[handle].flush()
    } catch {
      throw .connection
    }
    while try sockets[handle].receive() {
      while let arrival = try sockets[handle].next(&head) {
        switch arrival {
        case .nothing: break
        case .joined: joinedSockets += 1
        case .event(let sentAt):
          guard let sentAt, sentAt >= window.counted, sentAt < window.end else { break }
          let latency = Clock.read().now - sentAt
          report.events.record(latency, uncorrected: latency, bodyBytes: 0)
        }
      }
    }
  }
}
