import HTTP
import Memory
import Reactor

// The connections that ask.
extension Generator {
  /// Opens one of the connections that are missing, if that can begin at all.
  mutating func openClient() throws(SystemError) {
    let socket: Descriptor
    do throws(SystemError) { socket = try Sockets.connecting(to: plan.server) } catch { return }
    guard let handle = clients.insert(Client(socket)) else { return }
    missingClients -= 1
    try loop.register(clients[handle].transport.socket, token: Self.token(.client, handle))
  }

  /// Ends a connection and opens another in its place.
  mutating func replace(_ handle: Handle) throws(SystemError) {
    clients.discard(handle)
    missingClients += 1
    try openClient()
  }

  mutating func handleClient(_ event: Event) throws(SystemError) {
    let handle = event.token.handle
    guard clients.contains(handle) else { return }
    clients[handle].transport.note(event.readiness)
    switch clients[handle].state {
    case .connecting:
      if event.readiness.contains(.hangUp) {
        // Not at once again: nobody listens.
        clients.discard(handle)
        missingClients += 1
      } else if clients[handle].transport.isWritable {
        try takeUp(handle)
      }
    case .idle:
      // Nobody has asked: it is the end, or nothing that could be understood.
      if clients[handle].transport.isReadable { try replace(handle) }
    case .asking:
      try goOn(handle)
    }
  }

  mutating func send(_ wanted: Wanted, on handle: Handle, at now: Instant) throws(SystemError) {
    clients[handle].wanted = wanted
    clients[handle].state = .asking
    clients[handle].sentAt = now
    clients[handle].sent = 0
    try goOn(handle)
  }

  private enum Progress { case waiting, free, spent }

  private mutating func goOn(_ handle: Handle) throws(SystemError) {
    var progress = Progress.spent
    do throws(Failure) { progress = try advance(handle) } catch {
      fail(clients[handle].wanted, error)
    }
    switch progress {
    case .waiting: break
    case .free: try takeUp(handle)
    case .spent: try replace(handle)
    }
  }

  /// Sends what is left of the request and takes what is here of the answer.
  private mutating func advance(_ handle: Handle) throws(Failure) -> Progress {
    let wanted = clients[handle].wanted
    let request = mix.kinds[wanted.kind].requests[wanted.request]
    do throws(SystemError) { try clients[handle].send(request.bytes.span) } catch {
      throw .connection
    }
    guard
      let answer = try clients[handle].receive(method: request.method, head: &head)
    else { return .waiting }
    finish(wanted, answer, sentAt: clients[handle].sentAt)
    let isAllSent = clients[handle].sent == request.bytes.count
    return answer.isPersistent && isAllSent ? .free : .spent
  }

  /// The connection is free: for who waits, else for who comes.
  private mutating func takeUp(_ handle: Handle) throws(SystemError) {
    if let wanted = waiting.takeOldest() {
      return try send(wanted, on: handle, at: Clock.read().now)
    }
    clients[handle].state = .idle
    idle.append(handle)
  }

  private mutating func finish(_ wanted: Wanted, _ answer: Answer, sentAt: Instant) {
    let kind = mix.kinds[wanted.kind]
    guard answer.status == kind.status else { return fail(wanted, .status) }
    guard answer.isCompressed || !kind.isCompressed else { return fail(wanted, .uncompressed) }
    guard wanted.counts else { return }
    let now = Clock.read().now
    outstanding -= 1
    report.lastAnswer = max(report.lastAnswer, now)
    report.tallies[wanted.kind].record(
      now - wanted.intended, uncorrected: now - sentAt, bodyBytes: answer.bodyBytes)
  }
}
