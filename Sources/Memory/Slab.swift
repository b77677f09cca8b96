/// A bounded number of slots for elements that are addressed by handles.
///
/// `insert` and `remove` are O(1) and never allocate: the room for every slot is reserved at
/// the start, and a slot's memory is first touched when the slot is first used, so that a
/// large limit costs address space, not memory.
@safe public struct Slab<Element: ~Copyable>: ~Copyable {
  @usableFromInline static var none: UInt32 { .max }

  /// For each slot, while it is taken, the bits of its tenant's handle; while it is free, the
  /// generation of the next tenant above the number of the next free slot, which is never its own:
  /// so one comparison tells whether a handle is good.
  @usableFromInline let slots: UnsafeMutablePointer<UInt64>
  @usableFromInline let elements: UnsafeMutablePointer<Element>
  /// How many elements there may be.
  public let capacity: Int
  /// How many elements there are.
  public private(set) var count = 0
  /// Slots at and above this number have never been used.
  @usableFromInline var used: UInt32 = 0
  @usableFromInline var firstFree: UInt32 = .max

  public init(capacity: Int) {
    precondition(capacity > 0 && capacity < Int(UInt32.max) - 1)
    self.capacity = capacity
    unsafe slots = .allocate(capacity: capacity)
    unsafe elements = .allocate(capacity: capacity)
  }

  deinit {
    for number in 0..<used where handle(ofSlot: number) != nil {
      unsafe (elements + Int(number)).deinitialize(count: 1)
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
    let handle: Handle
    if firstFree == Self.none {
      guard Int(used) < capacity else { return nil }
      // Generation 0 names nobody: a zeroed handle is always stale.
      handle = Handle(slot: used, generation: 1)
      used += 1
    } else {
      let free = Handle(bits: unsafe slots[Int(firstFree)])
      handle = Handle(slot: firstFree, generation: free.generation)
      firstFree = free.slot
    }
    unsafe (slots + Int(handle.slot)).initialize(to: handle.bits)
    count += 1
    return handle
  }

  /// False when stale: the tenant has gone, perhaps another has come.
  @inlinable public func contains(_ handle: Handle) -> Bool {
    guard handle.slot < used else { return false }
    return unsafe slots[Int(handle.slot)] == handle.bits
  }

  /// The handle of the tenant of a slot, if it has one.
  @inlinable public func handle(ofSlot number: UInt32) -> Handle? {
    guard number < used else { return nil }
    let handle = Handle(bits: unsafe slots[Int(number)])
    return handle.slot == number ? handle : nil
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
    let next = handle.generation &+ 1
    unsafe slots[number] = Handle(slot: firstFree, generation: next == 0 ? 1 : next).bits
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
