import CLibraries

/// How values of one kind are read from the file, written to it and described.
struct Codec<Value: Sendable>: Sendable {
  let shape: Shape
  /// From a scalar, its variables replaced; nil for what is never written as one.
  let readText: (@Sendable (Text, inout Reading) -> Value?)?
  /// From a list or a mapping, or from nothing; nil for what is always a scalar.
  let readNode: (@Sendable (YAMLNode, inout Reading) -> Value?)?
  /// Nil leaves the key out.
  let write: @Sendable (Value) -> Plain?

  /// The value of a node, or nil when that was reported as wrong.
  func read(_ node: YAMLNode, _ reading: inout Reading) -> Value? {
    switch node.content {
    case .scalar where node.isNull:
      if let readNode, case .mapping = shape { return readNode(node, &reading) }
      reading.report(node.range, "\(reading.subject) has no value", shape.advice)
    case .scalar(let raw, let style):
      if let readText {
        guard let text = reading.text(raw, style, at: node.range) else { return nil }
        return readText(text, &reading)
      }
      reading.report(node.range, "\(reading.subject) takes \(shape.noun), not a text", shape.advice)
    case .sequence, .mapping:
      if let readNode { return readNode(node, &reading) }
      reportKind(of: node, &reading)
    }
    return nil
  }

  /// Says that a list or a mapping is not what belongs here.
  func reportKind(of node: YAMLNode, _ reading: inout Reading) {
    var kind = "keys"
    if case .sequence = node.content { kind = "a list" }
    reading.report(
      node.range, "\(reading.subject) takes \(shape.noun), not \(kind)", shape.advice)
  }
}

extension Codec {
  /// A scalar.
  init(
    _ shape: Shape, parse: @escaping @Sendable (String) throws(Complaint) -> Value,
    write: @escaping @Sendable (Value) -> Plain?
  ) {
    self.init(
      shape: shape,
      readText: { text, reading in
        do throws(Complaint) {
          return try parse(text.value)
        } catch {
          reading.report(text, error)
          return nil
        }
      },
      readNode: nil, write: write)
  }

  /// The same values, some of them refused.
  func checked(_ check: @escaping @Sendable (Value) throws(Complaint) -> Void) -> Codec {
    guard let readText else { return self }
    return Codec(
      shape: shape,
      readText: { text, reading in
        guard let value = readText(text, &reading) else { return nil }
        do throws(Complaint) {
          try check(value)
          return value
        } catch {
          reading.report(text, error)
          return nil
        }
      },
      readNode: readNode, write: write)
  }

  /// Other values, written in the same way.
  func map<Other: Sendable>(
    _ wrap: @escaping @Sendable (Value) -> Other, _ unwrap: @escaping @Sendable (Other) -> Value?
  ) -> Codec<Other> {
    var wrapText: (@Sendable (Text, inout Reading) -> Other?)?
    if let readText { wrapText = { text, reading in readText(text, &reading).map(wrap) } }
    var wrapNode: (@Sendable (YAMLNode, inout Reading) -> Other?)?
    if let readNode { wrapNode = { node, reading in readNode(node, &reading).map(wrap) } }
    let write = write
    return Codec<Other>(
      shape: shape, readText: wrapText, readNode: wrapNode,
      write: { other in unwrap(other).flatMap(write) })
  }

  /// A value that may be missing; it cannot be written then.
  var optional: Codec<Value?> { map({ $0 }, { $0 }) }

  /// A word that stands for a value of its own beside all others: `off`, `auto`.
  func or(_ word: String, _ value: Value) -> Codec where Value: Equatable {
    let codec = self
    return Codec(
      shape: shape.or(word),
      readText: { text, reading in
        if text.value == word { return value }
        guard let readText = codec.readText else {
          reading.report(
            text,
            Complaint(
              "is not what \(reading.subject) takes", ["write \(word), or keys with values"]))
          return nil
        }
        return readText(text, &reading)
      },
      readNode: readNode, write: { $0 == value ? .string(word) : codec.write($0) })
  }

  /// A few words, each with its value, beside a mapping for all other values.
  func either(_ words: Codec) -> Codec {
    let write = write
    return Codec(
      shape: .anyOf([words.shape, shape]), readText: words.readText, readNode: readNode,
      write: { words.write($0) ?? write($0) })
  }

  /// A scalar that stands for a mapping or list with everything else left as it is.
  func short(_ short: Codec) -> Codec {
    Codec(
      shape: .anyOf([short.shape, shape]), readText: short.readText, readNode: readNode,
      write: write)
  }
}

extension Shape {
  func or(_ word: String) -> Shape {
    switch self {
    case .integer(let range, let words): .integer(range, words: [word] + words)
    case .words(let words): .words([word] + words)
    case .anyOf(let shapes): .anyOf([.words([word])] + shapes)
    default: .anyOf([.words([word]), self])
    }
  }
}
