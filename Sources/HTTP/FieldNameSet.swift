/// A set of the names that `FieldName` knows: two words, no allocation.
public struct FieldNameSet: Equatable, Sendable {
  @usableFromInline var low: UInt64 = 0
  @usableFromInline var high: UInt64 = 0

  public init() {}

  public var isEmpty: Bool { low | high == 0 }

  @inlinable @inline(__always) public func contains(_ name: FieldName) -> Bool {
    let bit: UInt64 = 1 &<< UInt64(name.rawValue & 63)
    return (name.rawValue < 64 ? low : high) & bit != 0
  }

  @inlinable @inline(__always) public mutating func insert(_ name: FieldName) {
    let bit: UInt64 = 1 &<< UInt64(name.rawValue & 63)
    if name.rawValue < 64 { low |= bit } else { high |= bit }
  }

  @inlinable @inline(__always) public mutating func formUnion(_ other: FieldNameSet) {
    low |= other.low
    high |= other.high
  }

  public mutating func remove(_ name: FieldName) {
    let bit: UInt64 = 1 &<< UInt64(name.rawValue & 63)
    if name.rawValue < 64 { low &= ~bit } else { high &= ~bit }
  }
}

extension FieldNameSet: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: FieldName...) {
    for element in elements { insert(element) }
  }
}
