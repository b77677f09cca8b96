/// The body that opens an Engine.IO session over polling: `0{"sid":"…","upgrades":[…],…}`, and in
/// revision 3 of the protocol with its length in front, `96:0{"sid":"…",…}`.
public enum EngineIOHandshake {
  public enum Finding: Equatable, Sendable {
    /// The session's name, in the bytes that were searched.
    case sid(Slice)
    /// What is here may be the beginning of one.
    case needsMore
    /// The body opens no session, or one whose name no server gives.
    case nothing
  }

  /// How far into a body its session's name is looked for.
  public static var searchLimit: Int { 1024 }

  /// Looks for the name of the session in the beginning of a body.
  public static func find(in body: Span<UInt8>) -> Finding {
    var i = 0
    if i < body.count, body[i] != ASCII.zero {
      while i < body.count, ASCII.isDigit(body[i]) { i &+= 1 }
      guard (1...7).contains(i) else { return .nothing }
      if i < body.count {
        guard body[i] == ASCII.colon else { return .nothing }
        i &+= 1
      }
    }
    // The packet's type, open, and its data, a JSON object.
    for byte in [ASCII.zero, openBrace] {
      guard i < body.count else { return .needsMore }
      guard body[i] == byte else { return .nothing }
      i &+= 1
    }
    return find(inObject: body, from: i)
  }

  /// Looks for the member `sid` of the JSON object whose `{` stands before `start`.
  private static func find(inObject body: Span<UInt8>, from start: Int) -> Finding {
    var i = start
    var depth = 1
    while i < min(body.count, searchLimit) {
      switch body[i] {
      case ASCII.quote:
        guard let text = string(in: body, from: i) else { break }
        i = afterBlanks(in: body, from: text.upperBound &+ 1)
        guard i < body.count else { break }
        guard depth == 1, body[i] == ASCII.colon else { continue }
        i = afterBlanks(in: body, from: i &+ 1)
        guard isSid(body.extracting(text)) else { continue }
        return value(in: body, from: i)
      case openBrace, ASCII.openBracket: depth &+= 1
      case closeBrace, ASCII.closeBracket: depth &-= 1
      default: break
      }
      guard depth > 0 else { return .nothing }
      i &+= 1
    }
    return body.count < searchLimit ? .needsMore : .nothing
  }

  private static func value(in body: Span<UInt8>, from start: Int) -> Finding {
    guard start < body.count else { return .needsMore }
    guard body[start] == ASCII.quote else { return .nothing }
    guard let text = string(in: body, from: start) else {
      return body.count < searchLimit ? .needsMore : .nothing
    }
    return EngineIOQuery.isSid(body.extracting(text)) ? .sid(Slice(text)) : .nothing
  }

  /// What stands between the quote at `start` and the one that ends the string; nil when that is
  /// not here.
  private static func string(in body: Span<UInt8>, from start: Int) -> Range<Int>? {
    var i = start &+ 1
    while i < body.count, body[i] != ASCII.quote {
      i &+= body[i] == ASCII.backslash ? 2 : 1
    }
    return i < body.count ? start &+ 1..<i : nil
  }

  private static func afterBlanks(in body: Span<UInt8>, from start: Int) -> Int {
    var i = start
    while i < body.count, ASCII.isBlank(body[i]) { i &+= 1 }
    return i
  }

  private static func isSid(_ name: Span<UInt8>) -> Bool {
    name.count == 3 && name[0] == UInt8(ascii: "s") && name[1] == UInt8(ascii: "i")
      && name[2] == UInt8(ascii: "d")
  }

  private static var openBrace: UInt8 { 123 }
  private static var closeBrace: UInt8 { 125 }
}
