/// A fixed number of plain values that one owner reads and writes in place.
///
/// What an `Array` would do at each write, to find out whether it is shared, costs more than the
/// write; an `InlineArray` would be copied at each access once it is large.
@safe public struct FixedArray<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let elements: UnsafeMutablePointer<Element>
  public let count: Int

  public init(repeating element: Element, count: Int) {
    precondition(count > 0)
    self.count = count
    unsafe elements = .allocate(capacity: count)
    unsafe elements.initialize(repeating: element, count: count)
  }

  deinit { unsafe elements.deallocate() }

  @inlinable public subscript(index: Int) -> Element {
    unsafeAddress {
      precondition(index >= 0 && index < count, "out of range")
      return unsafe UnsafePointer(elements + index)
    }
    unsafeMutableAddress {
      precondition(index >= 0 && index < count, "out of range")
      return unsafe elements + index
    }
  }
}

extension FixedArray: @unchecked Sendable where Element: Sendable {}
