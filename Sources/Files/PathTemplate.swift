import Memory

/// Where a file is looked for below a route's base: text with `{path}` and `{host}` in it.
///
/// nginx: an argument of `try_files`.
public struct PathTemplate: Equatable, Sendable {
  enum Piece: Equatable, Sendable {
    case text([UInt8])
    case path
    case host
  }

  let pieces: [Piece]

  /// Nil when the text holds braces around any other name, or a brace alone.
  public init?(_ text: String) {
    var pieces: [Piece] = []
    var rest = Substring(text)
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      if open > rest.startIndex { pieces.append(.text(Array(rest[..<open].utf8))) }
      guard let close = rest[open...].firstIndex(of: "}") else { return nil }
      switch rest[open...close] {
      case "{path}": pieces.append(.path)
      case "{host}": pieces.append(.host)
      default: return nil
      }
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.text(Array(rest.utf8))) }
    self.pieces = pieces
  }

  /// The path as it came.
  public static var path: PathTemplate { PathTemplate(pieces: [.path]) }

  private init(pieces: [Piece]) { self.pieces = pieces }

  var usesHost: Bool { pieces.contains(.host) }

  /// Appends the text with `path` and, in lower case, `host` put in; false, and what was appended is of no use,
  /// when it does not fit or when `host` could not be one name of a directory.
  func append(path: Span<UInt8>, host: Span<UInt8>, to buffer: inout ByteBuffer) -> Bool {
    for piece in pieces {
      switch piece {
      case .text(let bytes):
        guard bytes.count <= buffer.space else { return false }
        buffer.append(bytes.span)
      case .path:
        guard path.count <= buffer.space else { return false }
        buffer.append(path)
      case .host:
        guard host.count <= buffer.space, PathTemplate.isName(host) else { return false }
        for i in host.indices {
          let isUpper = host[i] >= UInt8(ascii: "A") && host[i] <= UInt8(ascii: "Z")
          buffer.append(isUpper ? host[i] | 0x20 : host[i])
        }
      }
    }
    return true
  }

  private static func isName(_ host: Span<UInt8>) -> Bool {
    var dots = 0
    for i in host.indices {
      if host[i] == UInt8(ascii: "/") || host[i] == 0 { return false }
      if host[i] == UInt8(ascii: ".") { dots += 1 }
    }
    return dots < host.count || host.count > 2  // neither empty nor `.` nor `..`
  }
}
