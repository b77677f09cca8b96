/// What routes ask of header fields: each distinct name and value is one condition, a number,
/// so that a request's fields are looked at once, however many routes ask for them.
struct FieldConditions: Sendable {
  private struct Name {
    let start: Int
    let count: Int
    /// A tree of values, whose values are conditions.
    let values: Int32
  }

  private var names: [Name] = []
  private var bytes: [UInt8] = []

  var isEmpty: Bool { names.isEmpty }

  /// The condition that a field fulfils; -1 without. Names are the same in upper and lower
  /// case (RFC 9110 §5.1), values are not.
  func find(name: Span<UInt8>, value: Span<UInt8>, in tries: ByteTrie) -> Int32 {
    let names = names.span
    for i in names.indices where names[i].count == name.count && spells(names[i], name) {
      return tries.find(value, from: names[i].values).exact
    }
    return -1
  }

  private func spells(_ name: Name, _ text: Span<UInt8>) -> Bool {
    for i in 0..<name.count where bytes[name.start + i] != lowercased(text[i]) { return false }
    return true
  }

  // MARK: Building

  /// - Parameter name: in lower case; not added before.
  mutating func add(name: [UInt8], values: Int32) {
    names.append(Name(start: bytes.count, count: name.count, values: values))
    bytes.append(contentsOf: name)
  }
}
