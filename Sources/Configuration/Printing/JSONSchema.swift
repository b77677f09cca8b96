/// The JSON Schema of the configuration, for editors: from the declarations that it is read by.
public enum JSONSchema {
  /// In draft 2020-12.
  public static func text() -> String {
    var entries: [Plain.Entry] = [
      .init(key: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")),
      .init(key: "title", value: .string("Martlet's configuration")),
    ]
    if case .map(let root) = schema(of: Configuration.declaration.shape) { entries += root }
    // Keys that begin with x- hold what aliases elsewhere stand for.
    entries.append(.init(key: "patternProperties", value: .map(["^x-": .boolean(true)])))
    return JSONWriter.text(.map(entries))
  }

  /// Where a variable stands, anything may come out of it.
  private static let variable = "\\$\\{"

  private static func schema(of shape: Shape) -> Plain {
    switch shape {
    case .boolean: return orVariable(.map(["type": .string("boolean")]))
    case .integer(let range, let words):
      var schemas = [
        Plain.map(
          [
            .init(key: "type", value: .string("integer")),
            .init(key: "minimum", value: .integer(range.lowerBound)),
          ]
            + (range.upperBound == .max
              ? [] : [.init(key: "maximum", value: .integer(range.upperBound))]))
      ]
      if !words.isEmpty { schemas.append(.map(["enum": .list(words.map(Plain.string))])) }
      return .map(["anyOf": .list(schemas + [text(pattern: variable)])])
    case .size(let range):
      return .map(
        [
          .init(key: "type", value: .list([.string("integer"), .string("string")])),
          .init(key: "minimum", value: .integer(range.lowerBound)),
        ]
          + (range.upperBound == .max
            ? [] : [.init(key: "maximum", value: .integer(range.upperBound))]) + [
            .init(
              key: "pattern",
              value: .string("^[0-9]+ ?([kKmMgG]|[KMG]iB|B)?$|\(variable)"))
          ])
    case .duration(let range):
      let pattern = Plain.string("^([0-9]+(ms|s|m|h|d))+$|^0$|\(variable)")
      guard range.lowerBound == .zero else {
        return .map(["type": .string("string"), "pattern": pattern])
      }
      return .map([
        "type": .list([.string("string"), .string("integer")]), "pattern": pattern,
        "minimum": .integer(0), "maximum": .integer(0),
      ])
    case .percent: return text(pattern: "^[0-9]{1,3}%$|\(variable)")
    case .words(let words): return orVariable(.map(["enum": .list(words.map(Plain.string))]))
    case .text(_, let pattern, let examples):
      guard let pattern else {
        let types = ["string", "number", "boolean"].map(Plain.string)
        return .map(["type": .list(types)])
      }
      var entries: [Plain.Entry] = [.init(key: "type", value: .string("string"))]
      if pattern.contains("[0-9]") || pattern == HTTPText.tokenPattern {
        entries[0] = .init(key: "type", value: .list([.string("string"), .string("integer")]))
      }
      entries.append(.init(key: "pattern", value: .string("\(pattern)|\(variable)")))
      let unquoted = examples.map { $0.hasPrefix("'") ? String($0.dropFirst().dropLast()) : $0 }
      if !examples.isEmpty {
        entries.append(.init(key: "examples", value: .list(unquoted.map(Plain.string))))
      }
      return .map(entries)
    case .mapping(let keys): return schema(of: keys)
    case .list(let item, let takesCommas):
      let one = takesCommas ? withCommas(item) : schema(of: item)
      return .map(["anyOf": .list([one, .map(["type": .string("array"), "items": one])])])
    case .dictionary(_, let keyPattern, let value):
      return .map(
        [.init(key: "type", value: .string("object"))]
          + (keyPattern.map {
            [.init(key: "propertyNames", value: .map(["pattern": .string($0)]))]
          } ?? []) + [.init(key: "additionalProperties", value: schema(of: value))])
    case .anyOf(let shapes): return .map(["anyOf": .list(shapes.map { schema(of: $0) })])
    }
  }

  private static func schema(of keys: [KeyShape]) -> Plain {
    let properties = keys.map { key -> Plain.Entry in
      var entries: [Plain.Entry] = [.init(key: "description", value: .string(key.summary))]
      // The default of a mapping is that of its keys.
      if let standard = key.standard, standard.isScalar || standard.isList {
        entries.append(.init(key: "default", value: standard))
      }
      if case .map(let schema) = schema(of: key.shape) { entries += schema }
      return .init(key: key.name, value: .map(entries))
    }
    var entries: [Plain.Entry] = [
      .init(key: "type", value: .string("object")),
      .init(key: "properties", value: .map(properties)),
      .init(key: "additionalProperties", value: .boolean(false)),
    ]
    let required = keys.filter(\.isRequired).map { Plain.string($0.name) }
    if !required.isEmpty { entries.append(.init(key: "required", value: .list(required))) }
    for group in keys.compactMap(\.group).reduce(
      into: [KeyGroup](),
      { groups, group in
        if !groups.contains(group) { groups.append(group) }
      })
    {
      let needs = keys.filter { $0.group == group }.map { key in
        Plain.map(["required": .list([.string(key.name)])])
      }
      let none: [Plain] = group.isRequired ? [] : [.map(["not": .map(["anyOf": .list(needs)])])]
      entries.append(.init(key: "oneOf", value: .list(needs + none)))
    }
    return .map(entries)
  }

  /// A text may be several, separated by commas.
  private static func withCommas(_ shape: Shape) -> Plain {
    switch shape {
    case .text: .map(["type": .list([.string("string"), .string("integer")])])
    case .anyOf(let shapes): .map(["anyOf": .list(shapes.map(withCommas))])
    default: schema(of: shape)
    }
  }

  private static func orVariable(_ schema: Plain) -> Plain {
    .map(["anyOf": .list([schema, text(pattern: variable)])])
  }

  private static func text(pattern: String) -> Plain {
    .map(["type": .string("string"), "pattern": .string(pattern)])
  }
}

extension Plain {
  fileprivate var isList: Bool {
    if case .list = self { true } else { false }
  }
}
