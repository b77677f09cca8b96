public import CLibraries
public import Memory

/// Where a redirect leads: a path or an absolute URL with placeholders.
///
/// `{path}` is the normalised path, `{query}` the query as it was sent, `{host}` the request's
/// host without port, `{0}` to `{9}` what the route's regex captured. The query is appended when
/// the text has none of its own.
///
/// What is put in is escaped anew for the place where it stands, so that nothing a client sends
/// can end the field or lead to another site: no placeholder but `{host}` can stand before the
/// path of a URL, and a path never begins with two slashes that the text does not have.
public struct RedirectTarget: Equatable, Sendable {
  private enum Part: Equatable, Sendable {
    case literal([UInt8])
    case path
    case query
    case host
    case group(Int)
  }

  /// Which part of the URL a byte of the text belongs to.
  private enum Place {
    case host
    case path
    case query
  }

  private struct Piece: Equatable, Sendable {
    let part: Part
    /// Stands behind `?` or `#`, where other bytes mean something.
    let isInQuery: Bool
  }

  private let pieces: [Piece]
  private let appendsQuery: Bool
  /// A path only, which must not become `//name`: that leads to another site (RFC 3986 §4.2).
  private let staysOnSite: Bool

  /// - Throws: where the text is neither path nor URL, or names what it cannot name there.
  public init(_ text: String) throws(RedirectTargetError) {
    let bytes = Array(text.utf8)
    let hostStart = try RedirectTarget.hostStart(bytes)
    var place = hostStart == nil ? Place.path : .host
    var pieces: [Piece] = []
    var literal = Array(bytes[..<(hostStart ?? 0)])
    var hasQuery = false
    var i = literal.count
    while i < bytes.count {
      let byte = bytes[i]
      guard byte == 0x7B else {  // an opening brace
        guard byte > 0x20, byte < 0x7F, byte != 0x7D, byte != 0x5C else {
          throw RedirectTargetError(.badByte, at: i)
        }
        if byte == 0x3F || byte == 0x23 {  // ? #
          place = .query
          hasQuery = true
        } else if byte == 0x2F, place == .host {
          place = .path
        }
        literal.append(byte)
        i += 1
        continue
      }
      guard let end = bytes[i...].firstIndex(of: 0x7D) else {
        throw RedirectTargetError(.unclosedBrace, at: i)
      }
      guard let part = RedirectTarget.part(bytes[(i + 1)..<end]) else {
        throw RedirectTargetError(.unknownPlaceholder, at: i)
      }
      if place == .host, part != .host {
        guard part == .path, i != hostStart else {
          throw RedirectTargetError(.placeholderInHost, at: i)
        }
        place = .path  // begins with a slash
      }
      if part == .query { hasQuery = true }
      if !literal.isEmpty { pieces.append(Piece(part: .literal(literal), isInQuery: false)) }
      literal = []
      pieces.append(Piece(part: part, isInQuery: place == .query))
      i = end + 1
    }
    if !literal.isEmpty { pieces.append(Piece(part: .literal(literal), isInQuery: false)) }
    self.pieces = pieces
    appendsQuery = !hasQuery
    staysOnSite = hostStart == nil
  }

  /// Appends what Location says; false, and nothing, when it does not fit.
  ///
  /// - Parameters:
  ///   - path: normalised, what `captures` refers to.
  ///   - query: as sent, without the question mark; empty for none.
  ///   - host: checked, without port.
  public func write(
    into output: inout ByteBuffer, path: Span<UInt8>, query: Span<UInt8>, host: Span<UInt8>,
    captures: borrowing PatternCaptures
  ) -> Bool {
    let start = output.count
    var fits = true
    for piece in pieces where fits {
      let escaping: Escaping = piece.isInQuery ? .value : .path
      switch piece.part {
      case .literal(let bytes): fits = append(bytes.span, .nothing, start, &output)
      case .path: fits = append(path, escaping, start, &output)
      case .query: fits = append(query, .query, start, &output)
      case .host: fits = append(host, .host, start, &output)
      case .group(let number):
        guard let range = captures[number], range.upperBound <= path.count else { continue }
        fits = append(path.extracting(range), escaping, start, &output)
      }
    }
    if fits, appendsQuery, !query.isEmpty {
      fits = output.space > 0
      if fits {
        output.append(0x3F)
        fits = append(query, .query, start, &output)
      }
    }
    if !fits { output.removeLast(output.count - start) }
    return fits
  }

  /// Appends `text`, whatever would mean something else in its place as `%XX`.
  private func append(
    _ text: Span<UInt8>, _ escaping: Escaping, _ start: Int, _ output: inout ByteBuffer
  ) -> Bool {
    for i in text.indices {
      let byte = text[i]
      guard escaping.keeps(byte) else {
        guard output.space >= 3 else { return false }
        output.append(0x25)
        output.append(RedirectTarget.hexDigit(byte >> 4))
        output.append(RedirectTarget.hexDigit(byte & 15))
        continue
      }
      let isSecond = output.count == start + 1
      if isSecond, byte == 0x2F, staysOnSite, output.readable[start] == 0x2F { continue }
      guard output.space >= 1 else { return false }
      output.append(byte)
    }
    return true
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? 0x30 + nibble : 0x37 + nibble
  }

  // MARK: Reading

  /// Where the host of a URL begins; nil for a path.
  private static func hostStart(_ bytes: [UInt8]) throws(RedirectTargetError) -> Int? {
    for scheme in ["https://", "http://", "//"] where bytes.starts(with: scheme.utf8) {
      let start = scheme.utf8.count
      guard start < bytes.count, !"/?#".utf8.contains(bytes[start]) else {
        throw RedirectTargetError(.neitherPathNorURL, at: 0)
      }
      return start
    }
    guard bytes.first == 0x2F || bytes.starts(with: "{path}".utf8) else {
      throw RedirectTargetError(.neitherPathNorURL, at: 0)
    }
    return nil
  }

  private static func part(_ name: ArraySlice<UInt8>) -> Part? {
    if name.elementsEqual("path".utf8) { return .path }
    if name.elementsEqual("query".utf8) { return .query }
    if name.elementsEqual("host".utf8) { return .host }
    guard let digit = name.first, name.count == 1, digit >= 0x30, digit <= 0x39 else {
      return nil
    }
    return .group(Int(digit - 0x30))
  }

  /// Which bytes stay as they are (RFC 3986).
  private enum Escaping {
    /// The user's own text.
    case nothing
    /// §3.3: pchar and slash.
    case path
    /// §3.4, escaped already by who sent it.
    case query
    /// Data inside a query, where `&`, `=` and `+` would be taken for its structure.
    case value
    /// §3.2.2, the brackets of an IPv6 address included.
    case host

    func keeps(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true  // §2.3
      case 0x3A: true  // :
      case 0x2F, 0x40: self != .host  // / @
      case 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D:  // ! $ & ' ( ) * + , ; =
        self == .path || self == .query || self == .nothing
      case 0x25, 0x3F: self == .query || self == .nothing  // % ?
      case 0x5B, 0x5D: self == .host || self == .nothing  // [ ]
      default: self == .nothing
      }
    }
  }
}

/// Why a text is no redirect target, and where.
public struct RedirectTargetError: Error, Equatable, Sendable {
  public enum Reason: Equatable, Sendable {
    case neitherPathNorURL
    /// A space, control, backslash, stray brace, or a byte that is not ASCII.
    case badByte
    case unclosedBrace
    case unknownPlaceholder
    /// Would let a client say to which site the redirect leads.
    case placeholderInHost
  }

  public let reason: Reason
  /// In bytes from the beginning of the text.
  public let offset: Int

  public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

extension RedirectTargetError: CustomStringConvertible {
  /// What is wrong and what would be right, to follow the quoted text.
  public var description: String {
    switch reason {
    case .neitherPathNorURL: "is no redirect target; begin it with /, http:// or https://"
    case .badByte: "has a character that no URL has; write it as %XX"
    case .unclosedBrace: "opens a brace that does not close"
    case .unknownPlaceholder:
      "has an unknown placeholder; there are {path}, {query}, {host} and {0} to {9}"
    case .placeholderInHost: "lets the client choose the site; only {host} can stand there"
    }
  }
}
