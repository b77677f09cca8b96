import Memory

/// Where a file is looked for below a route's base: text with `{path}` in it, and at most one
/// other placeholder, such as `{host}` or `{site}`, in as many places as you like.
///
/// nginx: an argument of `try_files`.
public struct PathTemplate: Equatable, Sendable {
  enum Piece: Equatable, Sendable {
    case text([UInt8])
    case path
    case variable
  }

  let pieces: [Piece]
  /// The name of the other placeholder, if there is one: who asks for a file says what it stands
  /// for.
  public let variable: String?

  /// Nil when the text holds a brace alone, a placeholder without a name, or two others than
  /// `{path}`.
  public init?(_ text: String) {
    var pieces: [Piece] = []
    var variable: String?
    var rest = Substring(text)
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      if open > rest.startIndex { pieces.append(.text(Array(rest[..<open].utf8))) }
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
      let name = String(rest[rest.index(after: open)..<close])
      guard PathTemplate.isPlaceholder(name) else { return nil }
      if name == "path" {
        pieces.append(.path)
      } else {
        guard variable == nil || variable == name else { return nil }
        variable = name
        pieces.append(.variable)
      }
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.text(Array(rest.utf8))) }
    self.init(pieces: pieces, variable: variable)
  }

  /// The path as it came.
  public static var path: PathTemplate { PathTemplate(pieces: [.path], variable: nil) }

  private init(pieces: [Piece], variable: String?) {
    self.pieces = pieces
    self.variable = variable
  }

  private static func isPlaceholder(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
      }
  }

  /// Appends the text with `path` and `site`, the value of the variable, put in; false, and what
  /// was appended is of no use, when it does not fit or when `site` could not be one name of a
  /// directory.
  func append(path: Span<UInt8>, site: Span<UInt8>, to buffer: inout ByteBuffer) -> Bool {
    for piece in pieces {
      switch piece {
      case .text(let bytes):
        guard bytes.count <= buffer.space else { return false }
        buffer.append(bytes.span)
      case .path:
        guard path.count <= buffer.space else { return false }
        buffer.append(path)
      case .variable:
        guard site.count <= buffer.space, PathTemplate.isName(site) else { return false }
        buffer.append(site)
      }
    }
    return true
  }

  /// Whether it names one entry of a directory, and not `.` or `..`: nobody who chooses it leaves
  /// the directory.
  private static func isName(_ site: Span<UInt8>) -> Bool {
    var dots = 0
    for i in site.indices {
      if site[i] == UInt8(ascii: "/") || site[i] == 0 { return false }
      if site[i] == UInt8(ascii: ".") { dots += 1 }
    }
    return dots < site.count || site.count > 2  // neither empty nor `.` nor `..`
  }
}
