/// Walks a comma-separated list (RFC 9110 §5.6.1): elements without the whitespace around them,
/// empty ones passed over, commas inside quoted strings left alone.
public struct ListReader: Sendable {
  private var position: Int
  private let end: Int

  public init(_ list: Slice) {
    position = Int(list.start)
    end = list.end
  }

  /// The next element, nil behind the last.
  ///
  /// - Precondition: `bytes` are those that the list was found in.
  public mutating func next(_ bytes: Span<UInt8>) -> Slice? {
    while position < end, ASCII.isBlank(bytes[position]) || bytes[position] == ASCII.comma {
      position &+= 1
    }
    guard position < end else { return nil }
    let start = position
    var quoted = false
    while position < end {
      let byte = bytes[position]
      if byte == ASCII.quote {
        quoted.toggle()
      } else if quoted {
        // A quoted pair: the byte behind the backslash ends nothing.
        if byte == ASCII.backslash, position &+ 1 < end { position &+= 1 }
      } else if byte == ASCII.comma {
        break
      }
      position &+= 1
    }
    var last = position
    while last > start, ASCII.isBlank(bytes[last &- 1]) { last &-= 1 }
    return Slice(start..<last)
  }
}
