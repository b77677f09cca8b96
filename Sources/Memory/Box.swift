/// A value in a place of its own, or none: whoever has it pays for a pointer, and nothing else while
/// it is empty.
@safe public struct Box<Value: ~Copyable>: ~Copyable {
  @usableFromInline let place: UnsafeMutablePointer<Value>?

  /// Empty.
  @inlinable public init() { unsafe place = nil }

  @inlinable public init(_ value: consuming Value) {
    let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    unsafe place.initialize(to: value)
    unsafe self.place = unsafe place
  }

  @inlinable deinit {
    guard let place = unsafe place else { return }
    unsafe place.deinitialize(count: 1)
    unsafe place.deallocate()
  }

  @inlinable public var isEmpty: Bool { unsafe place == nil }

  /// - Precondition: there is one.
  @inlinable public var value: Value {
    unsafeAddress { unsafe UnsafePointer(known) }
    unsafeMutableAddress { unsafe known }
  }

  // It is there as long as the box, and nobody else knows where.
  @inlinable var known: UnsafeMutablePointer<Value> {
    guard let place = unsafe place else { preconditionFailure("an empty box has no value") }
    return unsafe place
  }
}

extension Box: @unchecked Sendable where Value: Sendable & ~Copyable {}
