/// What a value of the file may look like: what the schema and the reference are made of.
indirect enum Shape: Sendable {
  case boolean
  /// A number, or one of these words instead.
  case integer(ClosedRange<Int>, words: [String] = [])
  /// In bytes.
  case size(ClosedRange<Int>)
  case duration(ClosedRange<Duration>)
  case percent(ClosedRange<Int>)
  case words([String])
  /// - pattern: what a text must match (the dialect of JSON Schema), if that can be said.
  case text(noun: String, pattern: String? = nil, examples: [String] = [])
  case mapping([KeyShape])
  /// One item may stand for a list of one; several may be one text, separated by commas.
  case list(Shape, takesCommas: Bool = false)
  /// Keys of the user's choosing.
  case dictionary(keyNoun: String, keyPattern: String? = nil, value: Shape)
  case anyOf([Shape])
}

/// One key of a mapping, as the schema and the reference tell it.
struct KeyShape: Sendable {
  let name: String
  /// What it means, in a sentence or two.
  let summary: String
  let shape: Shape
  let isRequired: Bool
  /// What holds without it; nil when it is required or means nothing when absent.
  let standard: Plain?
  /// The keys of one group exclude each other.
  let group: KeyGroup?
}

/// Keys of which a mapping has no more than one.
struct KeyGroup: Equatable, Sendable {
  let noun: String
  /// What goes before the noun: `an`.
  let article: String
  /// One of them must be there.
  let isRequired: Bool
}

extension Shape {
  /// With its article, for `takes …`.
  var noun: String {
    switch self {
    case .boolean: return "true or false"
    case .integer(_, let words): return (words + ["a number"]).joined(separator: " or ")
    case .size: return "a size"
    case .duration: return "a duration"
    case .percent: return "a percentage"
    case .words(let words): return Shape.alternatives(words)
    case .text(let noun, _, _): return noun
    case .mapping: return "keys with values"
    case .list(let item, _): return "\(item.noun), or a list of such"
    case .dictionary(let keyNoun, _, let value): return "\(keyNoun) with \(value.noun) each"
    case .anyOf(let shapes):
      return Shape.alternatives(shapes.map(\.noun))
    }
  }

  /// What would be right, in a line: ranges and examples.
  var advice: [String] {
    switch self {
    case .boolean, .words: return ["write \(noun)"]
    case .integer(let range, let words):
      return ["write " + (words + [Shape.text(range)]).joined(separator: ", or ")]
    case .size(let range):
      return ["write a size like 8KiB, 50MiB or 1GiB, \(Shape.sizes(range))"]
    case .duration(let range):
      return ["write a duration like 500ms, 5s, 2m or 1h, \(Shape.durations(range))"]
    case .percent(let range):
      return ["write \(range.lowerBound)% to \(range.upperBound)%"]
    case .text(_, _, let examples):
      return examples.isEmpty ? [] : ["for example " + examples.joined(separator: " or ")]
    case .mapping(let keys):
      return ["write keys with values: " + keys.map(\.name).joined(separator: ", ")]
    case .list(let item, _): return item.advice
    case .dictionary: return []
    case .anyOf(let shapes): return shapes.first?.advice ?? []
    }
  }

  /// `a, b or c`.
  static func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  static func text(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "a number from \(range.lowerBound)"
      : "a number from \(range.lowerBound) to \(range.upperBound)"
  }

  static func sizes(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "at least \(ByteCount.text(range.lowerBound))"
      : "\(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound))"
  }

  static func durations(_ range: ClosedRange<Duration>) -> String {
    "\(TimeSpan.text(range.lowerBound)) to \(TimeSpan.text(range.upperBound))"
  }
}
