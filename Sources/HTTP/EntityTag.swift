public import Memory

/// The strong entity tag of a file (RFC 9110 §8.8.3), as nginx makes it: `"65e079f0-14"`.
///
/// It holds the time of the last change and the size, so that all replicas which serve the same
/// files give the same tag. A precompressed sibling's tag says so at its end, because two
/// representations must never share one.
public struct EntityTag: Equatable, Sendable {
  public let modified: HTTPDate
  /// In bytes.
  public let size: Int
  public let coding: ContentCoding

  /// The most bytes that `append` writes.
  public static var lengthLimit: Int { 48 }

  public init(modified: HTTPDate, size: Int, coding: ContentCoding = .identity) {
    self.modified = modified
    self.size = size
    self.coding = coding
  }

  public func append(to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "\""))
    if modified.seconds < 0 { buffer.append(UInt8(ascii: "-")) }
    buffer.append(hexadecimal: modified.seconds.magnitude)
    buffer.append(UInt8(ascii: "-"))
    buffer.append(hexadecimal: UInt64(size))
    switch coding {
    case .identity: break
    case .gzip: buffer.append("-gzip")
    case .brotli: buffer.append("-br")
    }
    buffer.append(UInt8(ascii: "\""))
  }

  /// What goes in front of a tag, quotes included, to make it weak; nil when it is no tag: then it
  /// is left out. nginx: `ngx_http_weak_etag`.
  ///
  /// A representation that was coded on the way is equivalent, but not the same byte for byte
  /// (RFC 9110 §8.8.1).
  public static func weakPrefix(for tag: Span<UInt8>) -> StaticString? {
    if tag.count > 2, beginsWeak(tag, at: 0) { return "" }
    return tag.count > 0 && tag[0] == UInt8(ascii: "\"") ? "W/" : nil
  }

  /// RFC 9110 §8.8.3.2.
  public enum Comparison: Sendable {
    /// Both tags are strong and the same.
    case strong
    /// The tags are the same, whether or not one or both are weak.
    case weak
  }

  /// Whether `tag`, quotes included, is among those of an If-Match or If-None-Match field; `*`
  /// lists every tag.
  ///
  /// As nginx reads it: what is no tag is passed over up to the next comma.
  public static func isListed(
    _ tag: Span<UInt8>, in field: Span<UInt8>, by comparison: Comparison
  ) -> Bool {
    if field.count == 1, field[0] == UInt8(ascii: "*") { return true }
    let isWeak = beginsWeak(tag, at: 0)
    if isWeak, comparison == .strong { return false }
    let opaque = tag.extracting((isWeak ? 2 : 0)...)
    var at = 0
    while at < field.count {
      while at < field.count, isSeparator(field[at]) { at += 1 }
      if comparison == .weak, beginsWeak(field, at: at) { at += 2 }
      if endsElement(field, after: opaque, at: at) { return true }
      while at < field.count, field[at] != UInt8(ascii: ",") { at += 1 }
    }
    return false
  }

  private static func beginsWeak(_ field: Span<UInt8>, at start: Int) -> Bool {
    start + 1 < field.count && field[start] == UInt8(ascii: "W")
      && field[start + 1] == UInt8(ascii: "/")
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// Whether `tag` stands at `start`, and nothing but blanks up to the next comma after it.
  private static func endsElement(
    _ field: Span<UInt8>, after tag: Span<UInt8>, at start: Int
  ) -> Bool {
    guard field.count - start >= tag.count else { return false }
    for i in tag.indices where field[start + i] != tag[i] { return false }
    var at = start + tag.count
    while at < field.count, field[at] != UInt8(ascii: ","), isSeparator(field[at]) { at += 1 }
    return at == field.count || field[at] == UInt8(ascii: ",")
  }
}
