/// Finds cookies in the Cookie fields of a request (RFC 6265 §4.2.1).
public enum CookieReader {
  /// The value of the first cookie called `name`, as it was sent, perhaps in quotes; nil when
  /// there is none. Names are case-sensitive.
  public static func value(
    of name: Span<UInt8>, in fields: borrowing FieldTable, from bytes: Span<UInt8>
  ) -> Slice? {
    var index = 0
    while let found = fields.next(.cookie, from: index) {
      if let value = value(of: name, in: fields[found].value, from: bytes) { return value }
      index = found &+ 1
    }
    return nil
  }

  /// The same in one field's value: `name=value` pairs between semicolons.
  public static func value(
    of name: Span<UInt8>, in field: Slice, from bytes: Span<UInt8>
  ) -> Slice? {
    var i = Int(field.start)
    let end = field.end
    while i < end {
      while i < end, ASCII.isBlank(bytes[i]) || bytes[i] == ASCII.semicolon { i &+= 1 }
      var k = 0
      while k < name.count, i < end, bytes[i] == name[k] {
        k &+= 1
        i &+= 1
      }
      let matches = k == name.count && i < end && bytes[i] == ASCII.equals
      let valueStart = i &+ 1
      while i < end, bytes[i] != ASCII.semicolon { i &+= 1 }
      guard matches else { continue }
      var last = i
      while last > valueStart, ASCII.isBlank(bytes[last &- 1]) { last &-= 1 }
      return Slice(valueStart..<last)
    }
    return nil
  }
}
