/// Which answers go out as gzip, by nginx's rules for compressing on the fly.
///
/// An answer is eligible by its status, type and length (`gzip_types`, `gzip_min_length`), whoever
/// asked; then it says `Vary: Accept-Encoding` (`gzip_vary on`). Who speaks HTTP/1.1 and accepts
/// gzip gets it so, proxies that name themselves in Via too (`gzip_proxied any`).
public struct GzipRule: Sendable {
  /// What becomes of one answer.
  public enum Outcome: UInt8, Sendable {
    /// It stays as it is, for every client.
    case untouched
    /// It stays as it is for this client, and says that others get something else.
    case varied
    case compressed
  }

  /// Each type in lower case behind its length: one array, for what is in an array of arrays
  /// counts references.
  private let types: [UInt8]
  private let minimumLength: UInt64

  /// - Parameters:
  ///   - types: media types without parameters, beside `text/html`, which always is one.
  ///   - minimumLength: answers known to be shorter stay as they are, in bytes.
  public init(types: [String], minimumLength: Int) {
    var packed: [UInt8] = []
    for type in ["text/html"] + types where type.utf8.count <= Int(UInt8.max) {
      packed.append(UInt8(type.utf8.count))
      packed += type.utf8.map(ASCII.lowercased)
    }
    self.types = packed
    self.minimumLength = UInt64(max(minimumLength, 0))
  }

  // MARK: The answer

  /// - Parameters:
  ///   - contentType: the field's value, parameters and all; empty if there is none.
  ///   - length: of the content; nil if nobody knows yet.
  ///   - isCoded: it has a Content-Encoding that is not empty.
  public func isEligible(
    status: UInt16, contentType: Span<UInt8>, length: UInt64?, isCoded: Bool = false
  ) -> Bool {
    guard status == 200 || status == 403 || status == 404, !isCoded else { return false }
    if let length, length < minimumLength { return false }
    return covers(contentType)
  }

  /// The same of a server's answer.
  public func isEligible(_ head: borrowing ResponseHead, in bytes: Span<UInt8>) -> Bool {
    guard let type = head.fields.first(.contentType) else { return false }
    var isCoded = false
    if let coding = head.fields.first(.contentEncoding) { isCoded = !coding.value.isEmpty }
    return isEligible(
      status: head.status, contentType: bytes.extracting(type.value.range),
      length: head.contentLength, isCoded: isCoded)
  }

  /// Whether a Content-Type is one of the types, whatever its case and parameters.
  private func covers(_ contentType: Span<UInt8>) -> Bool {
    var count = 0
    while count < contentType.count, contentType[count] != ASCII.semicolon { count &+= 1 }
    while count > 0, ASCII.isBlank(contentType[count &- 1]) { count &-= 1 }
    let types = types.span
    var at = 0
    while at < types.count {
      let length = Int(types[at])
      if length == count, Self.isSame(types, at &+ 1, contentType, count) { return true }
      at &+= 1 &+ length
    }
    return false
  }

  private static func isSame(
    _ types: Span<UInt8>, _ start: Int, _ contentType: Span<UInt8>, _ count: Int
  ) -> Bool {
    var i = 0
    while i < count {
      if types[start &+ i] != ASCII.lowercased(contentType[i]) { return false }
      i &+= 1
    }
    return true
  }

  // MARK: The client

  /// Whether a client takes gzip: `gzip_http_version 1.1`, and Accept-Encoding as nginx reads it.
  public static func isTaken(by head: borrowing RequestHead, in bytes: Span<UInt8>) -> Bool {
    guard head.version == .http11, let field = head.fields.first(.acceptEncoding) else {
      return false
    }
    return ContentNegotiation.accepts(.gzip, bytes.extracting(field.value.range))
  }

  // MARK: What the head says then

  /// Whether a server's Vary tells already that the answer depends on Accept-Encoding.
  public static func isVaried(_ fields: borrowing FieldTable, in bytes: Span<UInt8>) -> Bool {
    var index = 0
    while let found = fields.next(.vary, from: index) {
      index = found &+ 1
      guard fields[found].isForwarded else { continue }
      var list = ListReader(fields[found].value)
      while let element = list.next(bytes) {
        let name = bytes.extracting(element.range)
        if name.count == 1, name[0] == ASCII.asterisk { return true }
        if FieldName(bytes, element) == .acceptEncoding { return true }
      }
    }
    return false
  }
}
