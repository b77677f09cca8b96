import Configuration
import HTTP
import Memory

/// Changes that a route makes to a head, prepared for doing them.
struct HeadEdits: Sendable {
  /// Names that do not pass, in lower case: those removed, and those set anew.
  private let removed: [[UInt8]]
  /// Whole lines of the fields that are set or added.
  let lines: [UInt8]

  init(_ edits: HeaderEdits) {
    removed = (edits.remove + edits.set.map(\.name)).map { Array($0.lowercased().utf8) }
    lines = (edits.set + edits.add).flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
  }

  var isEmpty: Bool { removed.isEmpty && lines.isEmpty }

  func removes(_ name: Span<UInt8>) -> Bool {
    for candidate in removed where Self.isSame(candidate.span, name) { return true }
    return false
  }

  private static func isSame(_ lower: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
    guard lower.count == name.count else { return false }
    for i in lower.indices {
      let byte = name[i]
      let folded = byte >= 65 && byte <= 90 ? byte + 32 : byte
      if folded != lower[i] { return false }
    }
    return true
  }
}
