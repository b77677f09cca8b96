import Memory
import Network
import Reactor

/// A socket that clients connect to.
struct Listener: ~Copyable {
  let socket: Descriptor
  /// Its number among the worker's listeners: by which it is known what TLS is made with.
  let number: Int
  /// Which entry of `listen` it is of.
  let place: Int
  /// Its clients speak TLS.
  let isSecure: Bool
  /// How many connections are asked for at the next event: as many as waited at the last one, so
  /// that where they come one by one, each costs one call and not a second that finds nothing.
  var burst = 1
}

extension Worker {
  /// Connections accepted in one turn from one listener, at most: the rest wait for the next.
  static let acceptBudget = 64
  /// How long accepting pauses when there are no descriptors left and nothing closes.
  static let acceptPause: UInt64 = 100_000_000

  /// Takes over a listening socket.
  mutating func listen(on socket: Int32, number: Int) throws(SystemError) {
    let listener = Listener(
      socket: Descriptor(owning: socket), number: number, place: places[number],
      isSecure: identities[number] != nil)
    guard let handle = listeners.insert(listener) else {
      preconditionFailure("there is a place for each listener")
    }
    try loop.registerListener(listeners[handle].socket, token: Token(kind: .listener, handle))
  }

  mutating func acceptConnections(_ listener: Handle) {
    guard listeners.contains(listener) else { return }
    let budget = listeners[listener].burst
    let count = accept(from: listener, budget: budget)
    listeners[listener].burst = count == budget ? min(budget * 2, Self.acceptBudget) : max(count, 1)
  }

  /// Accepts until nobody waits or the budget is spent; how many have come.
  @discardableResult
  private mutating func accept(from listener: Handle, budget: Int) -> Int {
    guard !isShortOfDescriptors else { return 0 }
    var address = SocketAddress(.anyV4, port: 0)
    for count in 0..<budget {
      do throws(SystemError) {
        guard
          let socket = try Syscalls.accept(from: listeners[listener].socket, peer: &address)
        else { return count }
        admit(socket, from: address, listener)
      } catch {
        if error.isOutOfDescriptors { pauseAccepting(listener) }
        return count
      }
    }
    return budget
  }

  private mutating func admit(
    _ socket: consuming Descriptor, from address: SocketAddress, _ listener: Handle
  ) {
    environment.counters.add(environment.slots.accepted)
    Syscalls.set(.noDelay, on: socket)
    Syscalls.set(.unsentLimit(snapshot.unsentLimit), on: socket)
    guard !clients.isFull else { return turnAway(socket, listeners[listener].isSecure) }
    guard
      let client = clients.insert(
        ClientConnection(
          socket: socket, address: address, place: listeners[listener].place, now: clock.now))
    else {
      environment.counters.add(environment.slots.overloaded)
      return
    }
    do throws(SystemError) {
      try loop.register(clients[client].transport.socket, token: Token(kind: .client, client))
    } catch {
      environment.counters.add(environment.slots.overloaded)
      clients.remove(client)
      return
    }
    environment.counters.add(environment.slots.clients)
    if snapshot.listeners[listeners[listener].place].expectsHeader(from: address.address) {
      return awaitProxyHeader(client, listeners[listener].number)
    }
    if listeners[listener].isSecure { return admitSecurely(client, listeners[listener].number) }
    setClientDeadline(client, after: snapshot.timeouts.head)
  }

  /// Full: being told so sends the client elsewhere; waiting in silence would not. Over TLS that
  /// would take a handshake: there the close has to say it.
  private mutating func turnAway(_ socket: borrowing Descriptor, _ isSecure: Bool) {
    environment.counters.add(environment.slots.overloaded)
    guard !isSecure else { return }
    scratch.clear()
    scratch.append("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n")
    scratch.append("Retry-After: 1\r\nConnection: close\r\n\r\n")
    _ = try? Syscalls.send(&scratch, to: socket)
    Syscalls.shutdown(socket, .writing)
    // A request that has come already and is not read would turn the close into a reset.
    scratch.clear()
    _ = try? Syscalls.receive(from: socket, into: &scratch)
  }

  /// No descriptor is left: what waits in the backlog stays there. Level-triggered readiness
  /// would spin now, so the listener is not asked until the pause is over.
  private mutating func pauseAccepting(_ listener: Handle) {
    environment.counters.add(environment.slots.overloaded)
    isShortOfDescriptors = true
    for slot in 0..<listeners.slotLimit {
      guard let other = listeners.handle(ofSlot: slot) else { continue }
      try? loop.deregister(listeners[other].socket)
    }
    _ = wheel.schedule(
      Token(kind: .listener, listener), at: clock.now + Self.acceptPause)
  }

  mutating func resumeAccepting() {
    guard isShortOfDescriptors else { return }
    isShortOfDescriptors = false
    for slot in 0..<listeners.slotLimit {
      guard let listener = listeners.handle(ofSlot: slot) else { continue }
      try? loop.registerListener(
        listeners[listener].socket, token: Token(kind: .listener, listener))
    }
  }

  /// Takes no more connections, after those that have been made already: closing a listener
  /// resets what waits in its backlog.
  mutating func closeListeners() {
    for slot in 0..<listeners.slotLimit {
      guard let listener = listeners.handle(ofSlot: slot) else { continue }
      accept(from: listener, budget: clients.capacity)
      listeners.remove(listener)
    }
  }
}
