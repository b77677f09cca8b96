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
  /// The turn in which as many had come, and perhaps more.
  var fullTurn: UInt64 = 0
}

extension Worker {
  /// Connections accepted in one turn from one listener, at most: the rest wait for the next.
  static let acceptBudget = 64
  /// How long accepting pauses when there are no descriptors left and nothing closes.
  static let acceptPause: UInt64 = 100_000_000
  /// Seconds after which the kernel hands over a connection by which nothing has come.
  static let silenceLimit = 1
  /// The shortest lame duck's time in which all connections can be taken that the kernel keeps back
  /// at its beginning.
  static let lameDuckForWaiting = Duration.seconds(silenceLimit * 2)
  /// Milliseconds that a new connection may take to be answered and closed without the loop
  /// having heard of it.
  static let registrationDelay = 2

  /// Takes over a listening socket.
  mutating func listen(on socket: Int32, number: Int) throws(SystemError) {
    let listener = Listener(
      socket: Descriptor(owning: socket), number: number, place: places[number],
      isSecure: identities[number] != nil)
    guard let handle = listeners.insert(listener) else {
      preconditionFailure("there is a place for each listener")
    }
    instruct(handle)
    try loop.registerListener(listeners[handle].socket, token: Token(kind: .listener, handle))
  }

  /// Tells a listener what it does for connections, and what they have from it.
  ///
  /// When the kernel keeps them until their request has come, that is read at once, and mostly
  /// nothing has to be waited for. At the end those would be reset that it still keeps: so it
  /// keeps none any more from when the worker takes leave, and has handed over all a second later.
  private func instruct(_ listener: Handle) {
    let waits = snapshot.awaitsRequests && !isTakingLeave
    let seconds = waits ? Self.silenceLimit : 0
    Syscalls.set(.deferredAccept(seconds: seconds), on: listeners[listener].socket)
    Syscalls.set(.unsentLimit(snapshot.unsentLimit), on: listeners[listener].socket)
  }

  /// After a reload, for connections that come from now on.
  func instructListeners() {
    for slot in 0..<listeners.slotLimit {
      if let listener = listeners.handle(ofSlot: slot) { instruct(listener) }
    }
  }

  /// Each response ends its connection from here on.
  mutating func takeLeave() {
    isTakingLeave = true
    instructListeners()
  }

  mutating func acceptConnections(_ listener: Handle) {
    guard listeners.contains(listener) else { return }
    let budget = listeners[listener].burst
    let count = accept(from: listener, budget: budget)
    guard count == budget else {
      listeners[listener].burst = max(count, 1)
      return
    }
    // Some were left, or others have come at once.
    if listeners[listener].fullTurn &+ 1 == turns {
      listeners[listener].burst = min(budget * 2, Self.acceptBudget)
    }
    listeners[listener].fullTurn = turns
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
    guard !clients.isFull else { return turnAway(socket, listeners[listener].isSecure) }
    guard
      let client = clients.insert(
        ClientConnection(
          socket: socket, address: address, place: listeners[listener].place, now: clock.now))
    else {
      environment.counters.add(environment.slots.overloaded)
      return
    }
    environment.counters.add(environment.slots.clients)
    if snapshot.listeners[listeners[listener].place].expectsHeader(from: address.address) {
      awaitProxyHeader(client, listeners[listener].number)
    } else if listeners[listener].isSecure {
      admitSecurely(client, listeners[listener].number)
    } else {
      setClientDeadline(client, after: snapshot.timeouts.head)
    }
    guard snapshot.awaitsRequests else { return register(client) }
    newcomers.append(client)
    // What it was kept back for.
    clientEvent(client, .readable)
  }

  /// Tells the loop of clients for whom it has to look out: of all new ones, but for those whose
  /// answer is awaited. Many of these close their connection with it, and need no registration.
  mutating func registerNewcomers() {
    var kept = 0
    for i in newcomers.indices {
      let client = newcomers[i]
      guard clients.contains(client) else { continue }
      if isAboutToBeAnswered(client) {
        newcomers[kept] = client
        kept += 1
      } else {
        register(client)
      }
    }
    newcomers.removeLast(newcomers.count - kept)
  }

  private func isAboutToBeAnswered(_ client: Handle) -> Bool {
    let delay = UInt64(Self.registrationDelay) * 1_000_000
    guard clients[client].state == .exchange, clock.now - clients[client].accepted < delay else {
      return false
    }
    let exchange = clients[client].work
    return exchanges[exchange].phase == .waiting && exchanges[exchange].requestBody.isDone
  }

  /// What has happened meanwhile is told by the next `poll`.
  private mutating func register(_ client: Handle) {
    do throws(SystemError) {
      try loop.register(clients[client].transport.socket, token: Token(kind: .client, client))
    } catch {
      // It would never be heard: it ends here.
      environment.counters.add(environment.slots.overloaded)
      Syscalls.shutdown(clients[client].transport.socket, .both)
      clientEvent(client, .hangUp)
    }
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
