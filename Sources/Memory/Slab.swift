/// A bounded number of slots for elements that are addressed by handles.
///
/// `insert` and `remove` are O(1) and never allocate: the room for every slot is reserved at
/// the start, and a slot's memory is first touched when the slot is first used, so that a
/// large limit costs address space, not memory.
@safe public struct Slab<Element: ~Copyable>: ~Copyable {
  @usableFromInline struct Slot: ~Copyable {  // not private: generic code pays 60 ns for that
    @usableFromInline var element: Element?
    @usableFromInline var generation: UInt32
    @usableFromInline var nextFree: UInt32

    @usableFromInline init(generation: UInt32) {
      element = nil
      self.generation = generation
      nextFree = .max
    }
  }

  @usableFromInline let slots: UnsafeMutablePointer<Slot>
  /// How many elements there may be.
  public let capacity: Int
  /// How many elements there are.
  public private(set) var count = 0
  /// Slots at and above this number have never been used.
  @usableFromInline var used: UInt32 = 0
  @usableFromInline var firstFree: UInt32 = .max

  public init(capacity: Int) {
    precondition(capacity > 0 && capacity < Int(UInt32.max))
    self.capacity = capacity
    unsafe slots = .allocate(capacity: capacity)
  }

  deinit {
    unsafe slots.deinitialize(count: Int(used))
    unsafe slots.deallocate()
  }

  @inlinable public var isFull: Bool { firstFree == .max && Int(used) == capacity }

  /// A handle for the element, or nil, and the element dropped, when the slab is full.
  public mutating func insert(_ element: consuming Element) -> Handle? {
    var number = firstFree
    if number == .max {
      guard Int(used) < capacity else { return nil }
      number = used
      used += 1
      unsafe (slots + Int(number)).initialize(to: Slot(generation: 1))
    } else {
      firstFree = unsafe slots[Int(number)].nextFree
    }
    unsafe slots[Int(number)].element = consume element
    count += 1
    return Handle(slot: number, generation: unsafe slots[Int(number)].generation)
  }

  /// False when stale: the tenant has gone, perhaps another has come.
  @inlinable public func contains(_ handle: Handle) -> Bool {
    guard handle.slot < used else { return false }
    return unsafe slots[Int(handle.slot)].generation == handle.generation
      && slots[Int(handle.slot)].element != nil
  }

  /// The handle of the tenant of a slot, if it has one.
  @inlinable public func handle(ofSlot slot: UInt32) -> Handle? {
    guard slot < used, unsafe slots[Int(slot)].element != nil else { return nil }
    return Handle(slot: slot, generation: unsafe slots[Int(slot)].generation)
  }

  /// One more than the highest slot ever used: the end of a walk over all tenants.
  @inlinable public var slotLimit: UInt32 { used }

  @discardableResult
  public mutating func remove(_ handle: Handle) -> Element {
    precondition(contains(handle), "stale handle")
    let number = Int(handle.slot)
    guard let element = unsafe slots[number].element.take() else {
      preconditionFailure("checked above")
    }
    // Generation 0 names nobody: a zeroed handle is always stale.
    let next = unsafe slots[number].generation &+ 1
    unsafe slots[number].generation = next == 0 ? 1 : next
    unsafe slots[number].nextFree = firstFree
    firstFree = handle.slot
    count -= 1
    return element
  }

  @inlinable public subscript(handle: Handle) -> Element {
    _read {
      precondition(contains(handle), "stale handle")
      yield unsafe slots[Int(handle.slot)].element!
    }
    _modify {
      precondition(contains(handle), "stale handle")
      yield unsafe &slots[Int(handle.slot)].element!
    }
  }
}

extension Slab: @unchecked Sendable where Element: Sendable & ~Copyable {}
