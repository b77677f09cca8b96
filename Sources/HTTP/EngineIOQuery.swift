/// What a request's query says of an Engine.IO session, on which Socket.IO stands:
/// `EIO=4&transport=polling&sid=…` (Engine.IO protocol, revisions 3 and 4).
public struct EngineIOQuery: Equatable, Sendable {
  /// The transport is HTTP long polling: what is answered is a body.
  public private(set) var isPolling = false
  /// The request belongs to a session that some server has opened.
  public private(set) var hasSession = false
  /// The session's name, in the bytes that were parsed; empty when it is none that any server
  /// gives.
  public private(set) var sid = Slice.empty

  /// The most bytes of a session's name. Servers give 20.
  public static var sidLimit: Int { 64 }

  /// Nil when the query does not speak of Engine.IO. Of a name that comes twice the first counts.
  public static func parse(_ query: Span<UInt8>) -> EngineIOQuery? {
    var result = EngineIOQuery()
    var isEngineIO = false
    var hasTransport = false
    var i = 0
    while i < query.count {
      var end = i
      while end < query.count, query[end] != ampersand { end &+= 1 }
      if let value = value(of: "EIO", in: query, i..<end) {
        if !value.isEmpty { isEngineIO = true }
      } else if let value = value(of: "transport", in: query, i..<end), !hasTransport {
        hasTransport = true
        result.isPolling = spells("polling", query.extracting(value))
      } else if let value = value(of: "sid", in: query, i..<end), !result.hasSession,
        !value.isEmpty
      {
        result.hasSession = true
        if isSid(query.extracting(value)) { result.sid = Slice(value) }
      }
      i = end &+ 1
    }
    return isEngineIO ? result : nil
  }

  /// Letters, digits, `-`, `.`, `_`, `~`: what needs no escape in a query (RFC 3986 §2.3).
  static func isSid(_ text: Span<UInt8>) -> Bool {
    guard (1...sidLimit).contains(text.count) else { return false }
    for i in text.indices {
      guard ASCII.contains(text[i], 0x03ff_6000_0000_0000, 0x47ff_fffe_87ff_fffe) else {
        return false
      }
    }
    return true
  }

  /// Where the value stands of the pair in `range`, if that is its name.
  private static func value(
    of name: String, in query: Span<UInt8>, _ range: Range<Int>
  ) -> Range<Int>? {
    let count = name.utf8.count
    let equals = range.lowerBound &+ count
    guard range.count > count, query[equals] == ASCII.equals,
      spells(name, query.extracting(range.lowerBound..<equals))
    else { return nil }
    return equals &+ 1..<range.upperBound
  }

  private static func spells(_ word: String, _ text: Span<UInt8>) -> Bool {
    let word = word.utf8.span
    guard text.count == word.count else { return false }
    for i in text.indices where word[i] != text[i] { return false }
    return true
  }
}

private let ampersand: UInt8 = 38
