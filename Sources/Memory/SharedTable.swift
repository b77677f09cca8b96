/// A fixed number of cells that every thread may read and change through the atomics in them.
///
/// The table lives as long as the process, so handing it to a worker costs no reference
/// counting: a copy is two words. Cells are padded by their own type where threads compete.
@safe public struct SharedTable<Cell: ~Copyable & Sendable>: Sendable {
  @usableFromInline nonisolated(unsafe) let cells: UnsafeMutablePointer<Cell>
  public let count: Int

  /// - Parameter make: the first value of each cell.
  public init(count: Int, make: (Int) -> Cell) {
    precondition(count > 0)
    self.count = count
    unsafe cells = .allocate(capacity: count)
    for i in 0..<count { unsafe (cells + i).initialize(to: make(i)) }
  }

  @inlinable public subscript(index: Int) -> Cell {
    _read {
      precondition(index >= 0 && index < count)
      yield unsafe cells[index]
    }
  }
}
