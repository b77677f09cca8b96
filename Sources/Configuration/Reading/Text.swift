import CLibraries

/// A scalar of the file, its variables replaced.
struct Text: Sendable {
  let value: String
  /// As the file has it, with `${…}`.
  let raw: String
  let style: YAMLNode.Style
  let range: YAMLRange
  /// Some of it came out of `${file:…}`.
  let isSecret: Bool

  /// For a message: what was read, but never what a file held.
  var quoted: String {
    if isSecret { return "the text of \(raw)" }
    return raw == value ? Reading.quoted(value) : "\(Reading.quoted(value)), from \(raw),"
  }
}
