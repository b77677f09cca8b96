import Memory

/// The fields of one head, in the order they came. Reused from head to head.
public struct FieldTable: ~Copyable {
  /// The most that `HeadLimits.fields` can ask for.
  public static var capacity: Int { 256 }

  private var fields = FixedArray(
    repeating: Field(name: .empty, value: .empty, id: .other), count: Self.capacity)
  public private(set) var count = 0
  @usableFromInline var present = FieldNameSet()
  @usableFromInline var repeated = FieldNameSet()

  public init() {}

  public subscript(index: Int) -> Field {
    precondition(index < count, "no such field")
    return fields[index]
  }

  /// Whether a field of that name is here; constant time.
  @inlinable @inline(__always) public func contains(_ name: FieldName) -> Bool {
    present.contains(name)
  }

  /// Whether more than one field of that name is here; constant time. Not kept for `other`.
  @inlinable @inline(__always) public func isRepeated(_ name: FieldName) -> Bool {
    repeated.contains(name)
  }

  /// The first field of that name.
  // In line as far as most names go, which are not here.
  @inlinable @inline(__always) public func first(_ name: FieldName) -> Field? {
    guard present.contains(name) else { return nil }
    return find(name)
  }

  @usableFromInline func find(_ name: FieldName) -> Field? {
    guard let index = next(name, from: 0) else { return nil }
    return fields[index]
  }

  /// The index of the first field of that name at or after `index`.
  public func next(_ name: FieldName, from index: Int) -> Int? {
    guard present.contains(name) else { return nil }
    var i = index
    while i < count {
      if fields[i].id == name { return i }
      i &+= 1
    }
    return nil
  }

  /// Keeps the field out of what is forwarded; it can still be asked for.
  public mutating func drop(at index: Int) {
    mark(at: index, Field.edited)
  }

  mutating func mark(at index: Int, _ mark: UInt8) {
    precondition(index < count, "no such field")
    fields[index].marks |= mark
  }

  @inline(__always) mutating func append(_ field: Field) {
    if present.contains(field.id) { repeated.insert(field.id) } else { present.insert(field.id) }
    fields[count] = field
    count &+= 1
  }

  mutating func clear() {
    count = 0
    present = FieldNameSet()
    repeated = FieldNameSet()
  }
}
