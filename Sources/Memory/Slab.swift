/// A bounded number of slots for elements that are addressed by handles.
///
/// `insert` and `remove` are O(1) and never allocate: the room for every slot is reserved at
/// the start, and a slot's memory is first touched when the slot is first used, so that a
/// large limit costs address space, not memory.
@safe public struct Slab<Element: ~Copyable>: ~Copyable {
  /// What is known of a slot, beside its element.
  @usableFromInline struct Slot {  // not private: generic code pays 60 ns for that
    @usableFromInline var generation: UInt32
    /// The next free slot, or `taken`.
    @usableFromInline var next: UInt32

    @usableFromInline init(generation: UInt32, next: UInt32) {
      self.generation = generation
      self.next = next
    }
  }

  @usableFromInline static var taken: UInt32 { .max }
  @usableFromInline static var none: UInt32 { .max - 1 }

  @usableFromInline let slots: UnsafeMutablePointer<Slot>
  @usableFromInline let elements: UnsafeMutablePointer<Element>
  /// How many elements there may be.
  public let capacity: Int
  /// How many elements there are.
  public private(set) var count = 0
  /// Slots at and above this number have never been used.
  @usableFromInline var used: UInt32 = 0
  @usableFromInline var firstFree: UInt32 = .max - 1

  public init(capacity: Int) {
    precondition(capacity > 0 && capacity < Int(UInt32.max) - 1)
    self.capacity = capacity
    unsafe slots = .allocate(capacity: capacity)
    unsafe elements = .allocate(capacity: capacity)
  }

  deinit {
    for i in 0..<Int(used) where unsafe slots[i].next == Self.taken {
      unsafe (elements + i).deinitialize(count: 1)
    }
    unsafe elements.deallocate()
    unsafe slots.deallocate()
  }

  @inlinable public var isFull: Bool { firstFree == Self.none && Int(used) == capacity }

  /// A handle for the element, or nil, and the element dropped, when the slab is full.
  // Inlined, so that what is made for the slab is made where it will be.
  @inlinable @inline(__always) public mutating func insert(
    _ element: consuming Element
  ) -> Handle? {
    guard let handle = occupy() else { return nil }
    unsafe (elements + Int(handle.slot)).initialize(to: element)
    return handle
  }

  /// Takes a free slot, whose element the caller puts there.
  @usableFromInline mutating func occupy() -> Handle? {
    var number = firstFree
    if number == Self.none {
      guard Int(used) < capacity else { return nil }
      number = used
      used += 1
      // Generation 0 names nobody: a zeroed handle is always stale.
      unsafe (slots + Int(number)).initialize(to: Slot(generation: 1, next: Self.taken))
    } else {
      firstFree = unsafe slots[Int(number)].next
      unsafe slots[Int(number)].next = Self.taken
    }
    count += 1
    return Handle(slot: number, generation: unsafe slots[Int(number)].generation)
  }

  /// False when stale: the tenant has gone, perhaps another has come.
  @inlinable public func contains(_ handle: Handle) -> Bool {
    guard handle.slot < used else { return false }
    let slot = unsafe slots[Int(handle.slot)]
    return slot.generation == handle.generation && slot.next == Self.taken
  }

  /// The handle of the tenant of a slot, if it has one.
  @inlinable public func handle(ofSlot number: UInt32) -> Handle? {
    guard number < used, unsafe slots[Int(number)].next == Self.taken else { return nil }
    return Handle(slot: number, generation: unsafe slots[Int(number)].generation)
  }

  /// One more than the highest slot ever used: the end of a walk over all tenants.
  @inlinable public var slotLimit: UInt32 { used }

  @discardableResult
  public mutating func remove(_ handle: Handle) -> Element {
    let number = vacate(handle)
    return unsafe (elements + number).move()
  }

  /// Removes an element that nobody wants: it ends where it is, without being moved.
  public mutating func discard(_ handle: Handle) {
    let number = vacate(handle)
    unsafe (elements + number).deinitialize(count: 1)
  }

  /// Makes the slot free, whose element the caller takes care of.
  @usableFromInline mutating func vacate(_ handle: Handle) -> Int {
    precondition(contains(handle), "stale handle")
    let number = Int(handle.slot)
    let next = unsafe slots[number].generation &+ 1
    unsafe slots[number] = Slot(generation: next == 0 ? 1 : next, next: firstFree)
    firstFree = handle.slot
    count -= 1
    return number
  }

  // Addressors, not coroutines: they cost nothing, and a span of what an element owns lives as
  // long as nobody changes the slab.
  @inlinable public subscript(handle: Handle) -> Element {
    unsafeAddress {
      precondition(contains(handle), "stale handle")
      return unsafe UnsafePointer(elements + Int(handle.slot))
    }
    unsafeMutableAddress {
      precondition(contains(handle), "stale handle")
      return unsafe elements + Int(handle.slot)
    }
  }
}

extension Slab: @unchecked Sendable where Element: Sendable & ~Copyable {}
