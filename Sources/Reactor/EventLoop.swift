private import CLinux
public import Memory

/// What an event belongs to: a kind that its owner gives meaning to, and a slab's handle.
///
/// All of it travels through the 64 bits that epoll carries: 4 bits of kind, 28 of slot, 32 of
/// generation, so that an event for something closed meanwhile is recognised and dropped.
public struct Token: Equatable, Sendable {
  public let rawValue: UInt64

  public static let slotLimit = 1 << 28

  @inlinable public init(kind: UInt8, handle: Handle) {
    rawValue =
      UInt64(kind & 15) << 60 | UInt64(handle.slot & 0x0fff_ffff) << 32 | UInt64(handle.generation)
  }

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable public var kind: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 60) }

  @inlinable public var handle: Handle {
    Handle(
      slot: UInt32(truncatingIfNeeded: rawValue >> 32) & 0x0fff_ffff,
      generation: UInt32(truncatingIfNeeded: rawValue))
  }
}

/// What has become possible on a descriptor since it was last told.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let readable = Readiness(rawValue: 1)
  public static let writable = Readiness(rawValue: 2)
  /// The peer will send no more, though it may still read.
  public static let peerDone = Readiness(rawValue: 4)
  /// The connection is gone in both directions.
  public static let hangUp = Readiness(rawValue: 8)
}

public struct Event: Sendable {
  public let token: Token
  public let readiness: Readiness

  public init(token: Token, readiness: Readiness) {
    self.token = token
    self.readiness = readiness
  }
}

/// epoll, edge-triggered: a descriptor is registered once, for both directions, and its events
/// tell changes. Who reads or writes less than it wanted waits for the next event; who stops
/// for another reason must remember that there was more.
@safe public struct EventLoop: ~Copyable {
  private let epoll: Descriptor
  private let events: UnsafeMutablePointer<epoll_event>
  /// How many events one `poll` brings at most: the rest come with the next.
  public static let batchLimit = 256

  public init() throws(SystemError) {
    epoll = Descriptor(owning: try Syscalls.check(clinux_epoll_create(), "epoll_create1"))
    unsafe events = .allocate(capacity: Self.batchLimit)
    unsafe events.initialize(repeating: epoll_event(), count: Self.batchLimit)
  }

  deinit { unsafe events.deallocate() }

  /// Registers a descriptor for good: closing it ends the registration.
  public func register(
    _ descriptor: borrowing Descriptor, token: Token
  ) throws(SystemError) {
    let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    try control(EPOLL_CTL_ADD, descriptor, interest, token)
  }

  /// Registers a descriptor that is only read from.
  public func registerReadable(
    _ descriptor: borrowing Descriptor, token: Token
  ) throws(SystemError) {
    try control(EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue | EPOLLET.rawValue, token)
  }

  /// Registers a listener: level-triggered, so that connections left in the backlog (the budget
  /// of a turn is spent, descriptors are short) are told again; and among workers that share
  /// one listener only some are woken.
  public func registerListener(
    _ descriptor: borrowing Descriptor, token: Token
  ) throws(SystemError) {
    try control(EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue, token)
  }

  public func deregister(_ descriptor: borrowing Descriptor) throws(SystemError) {
    try control(EPOLL_CTL_DEL, descriptor, 0, Token(rawValue: 0))
  }

  private func control(
    _ operation: CInt, _ descriptor: borrowing Descriptor, _ interest: UInt32, _ token: Token
  ) throws(SystemError) {
    try Syscalls.check(
      clinux_epoll_control(
        epoll.number, operation, descriptor.number, interest, token.rawValue), "epoll_ctl")
  }

  /// Waits for events; answers how many there are to be fetched with `event(_:)`.
  ///
  /// - Parameter timeout: in milliseconds; 0 does not wait, nil waits without end.
  public mutating func poll(timeout: Int?) throws(SystemError) -> Int {
    let wait = timeout.map { CInt(clamping: $0) } ?? -1
    let n = unsafe clinux_epoll_wait(epoll.number, events, CInt(Self.batchLimit), wait)
    if n == -EINTR { return 0 }
    return Int(try Syscalls.check(n, "epoll_wait"))
  }

  /// One of the events that the last `poll` brought.
  public func event(_ index: Int) -> Event {
    precondition(index >= 0 && index < Self.batchLimit)
    let event = unsafe events[index]
    let bits = unsafe event.events
    var readiness: Readiness = []
    if bits & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
    if bits & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
    if bits & EPOLLRDHUP.rawValue != 0 { readiness.insert(.peerDone) }
    if bits & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.hangUp) }
    return Event(token: Token(rawValue: unsafe event.data.u64), readiness: readiness)
  }
}
