import CLibraries

/// What the keys of one mapping are and into which type they are read.
///
/// Everything that must agree comes from here: reading, defaults, ranges, what
/// `check --effective` prints, the JSON Schema, and the tables of the documentation.
struct Declaration<Root: Sendable>: Sendable {
  /// What the mapping is without any key: where defaults are taken from.
  let blank: Root
  let keys: [Key<Root>]

  init(blank: Root, @KeysBuilder<Root> _ keys: () -> [Key<Root>]) {
    self.blank = blank
    self.keys = keys()
  }

  var shape: Shape {
    .mapping(
      keys.map { key in
        KeyShape(
          name: key.name, summary: key.summary, shape: key.shape, isRequired: key.isRequired,
          standard: key.isRequired || key.group != nil ? nil : key.write(blank),
          group: key.group)
      })
  }

  /// - Parameter blank: where it depends on the place what the mapping is without keys.
  func codec(blank: Root? = nil) -> Codec<Root> {
    let declaration = self
    let start = blank ?? self.blank
    return Codec(
      shape: shape, readText: nil,
      readNode: { node, reading in declaration.read(node, into: start, &reading) },
      write: { declaration.write($0) })
  }

  func write(_ root: Root) -> Plain {
    .map(keys.compactMap { key in key.write(root).map { Plain.Entry(key: key.name, value: $0) } })
  }

  /// What the keys say. A key that is wrong was reported, and has its default.
  private func read(_ node: YAMLNode, into blank: Root, _ reading: inout Reading) -> Root? {
    guard case .mapping(let entries) = node.content else {
      if node.isNull {
        reportMissing(in: [], of: node, &reading)
        return keys.contains(where: \.isNeeded) ? nil : blank
      }
      codec().reportKind(of: node, &reading)
      return nil
    }
    var root = blank
    for entry in entries {
      guard let key = keys.first(where: { $0.name == entry.key }) else {
        reportUnknown(entry, among: entries, &reading)
        continue
      }
      if let group = key.group,
        let first = entries.first(where: { other in
          other.key != key.name && other.keyRange.start < entry.keyRange.start
            && keys.contains { $0.name == other.key && $0.group == group }
        })
      {
        let others = keys.filter { $0.group == group }.map(\.name)
        reading.report(
          entry.keyRange,
          "\(reading.subject) already has \(group.article) \(group.noun), \(first.key)",
          ["keep one of \(Shape.alternatives(others))"])
        continue
      }
      reading.enter(entry.key, at: entry.value.range, key: entry.keyRange)
      key.read(entry.value, &root, &reading)
      reading.leave()
    }
    reportMissing(in: entries, of: node, &reading)
    return root
  }

  private func reportMissing(
    in entries: [YAMLNode.Entry], of node: YAMLNode, _ reading: inout Reading
  ) {
    let names = Set(entries.map(\.key))
    for key in keys where key.isRequired && !names.contains(key.name) {
      reading.report(
        reading.keyRange ?? node.range, "\(reading.subject) has no key \(key.name)",
        ["add \(key.name): \(key.brief)"])
    }
    var seen: [KeyGroup] = []
    for group in keys.compactMap(\.group) where group.isRequired && !seen.contains(group) {
      seen.append(group)
      let members = keys.filter { $0.group == group }.map(\.name)
      guard names.isDisjoint(with: members) else { continue }
      reading.report(
        reading.keyRange ?? node.range, "\(reading.subject) has no \(group.noun)",
        ["add one of \(Shape.alternatives(members))"])
    }
  }

  private func reportUnknown(
    _ entry: YAMLNode.Entry, among entries: [YAMLNode.Entry], _ reading: inout Reading
  ) {
    // Keys that begin with x- hold what aliases elsewhere stand for.
    if reading.isAtTop, entry.key.hasPrefix("x-") { return }
    var synonyms: [String: String] = [:]
    for key in keys { for word in key.synonyms { synonyms[word] = key.name } }
    // What the mapping has already is not what was meant.
    let present = Set(entries.map(\.key))
    let names = keys.map(\.name).filter { !present.contains($0) }
    var advice = Suggestion.advice(for: entry.key, among: names, synonyms: synonyms)
    let isNear = advice.first?.hasPrefix("did you mean") ?? false
    if !isNear, let home = Configuration.declaration.shape.path(toKey: entry.key) {
      advice.insert("\(home) has a key of this name", at: 0)
    }
    reading.report(
      entry.keyRange, "\(Reading.quoted(entry.key)) is not a key of \(reading.subject)", advice)
  }
}

/// One key of a mapping.
struct Key<Root: Sendable>: Sendable {
  let name: String
  let summary: String
  let isRequired: Bool
  let group: KeyGroup?
  /// What other proxies, and people, call it.
  let synonyms: [String]
  let shape: Shape
  let read: @Sendable (YAMLNode, inout Root, inout Reading) -> Void
  let write: @Sendable (Root) -> Plain?

  /// The summary's first sentence, to stand in another.
  var brief: String {
    let first = summary.prefix { $0 != "." }
    return first.prefix(1).lowercased() + first.dropFirst()
  }

  var isNeeded: Bool { isRequired || (group?.isRequired ?? false) }

  init<Value: Sendable>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: Codec<Value>,
    isRequired: Bool = false, synonyms: [String] = [], _ summary: String
  ) {
    self.name = name
    self.summary = summary
    self.isRequired = isRequired
    group = nil
    self.synonyms = synonyms
    shape = codec.shape
    read = { node, root, reading in
      if let value = codec.read(node, &reading) { root[keyPath: path] = value }
    }
    write = { root in codec.write(root[keyPath: path]) }
  }

  /// A key that is one of a group: each gives another case of the same value.
  init<Choice: Sendable, Value: Sendable>(
    _ name: String, _ path: any WritableKeyPath<Root, Choice> & Sendable, _ codec: Codec<Value>,
    in group: KeyGroup, wrap: @escaping @Sendable (Value) -> Choice,
    unwrap: @escaping @Sendable (Choice) -> Value?, synonyms: [String] = [], _ summary: String
  ) {
    self.name = name
    self.summary = summary
    isRequired = false
    self.group = group
    self.synonyms = synonyms
    shape = codec.shape
    read = { node, root, reading in
      if let value = codec.read(node, &reading) { root[keyPath: path] = wrap(value) }
    }
    write = { root in unwrap(root[keyPath: path]).flatMap(codec.write) }
  }

  /// A key of a part that has no mapping of its own: it stands among those of the whole.
  init<Part>(_ key: Key<Part>, of part: any WritableKeyPath<Root, Part> & Sendable) {
    name = key.name
    summary = key.summary
    isRequired = key.isRequired
    group = key.group
    synonyms = key.synonyms
    shape = key.shape
    read = { node, root, reading in key.read(node, &root[keyPath: part], &reading) }
    write = { root in key.write(root[keyPath: part]) }
  }
}

@resultBuilder enum KeysBuilder<Root: Sendable> {
  static func buildExpression(_ key: Key<Root>) -> [Key<Root>] { [key] }
  static func buildExpression(_ keys: [Key<Root>]) -> [Key<Root>] { keys }
  static func buildBlock(_ keys: [Key<Root>]...) -> [Key<Root>] { keys.flatMap(\.self) }
}

extension Shape {
  /// Where a key of this name is, for somebody who wrote it elsewhere: `pools.NAME.health`.
  func path(toKey name: String) -> String? {
    var pending: [(path: String, shape: Shape)] = [("the file", self)]
    var i = 0
    while i < pending.count {
      let (path, shape) = pending[i]
      i += 1
      switch shape {
      case .mapping(let keys):
        if keys.contains(where: { $0.name == name }) { return path }
        for key in keys {
          pending.append((i == 1 ? key.name : "\(path).\(key.name)", key.shape))
        }
      case .list(let item, _): pending.append((path, item))
      case .dictionary(_, _, let value): pending.append(("\(path).NAME", value))
      case .anyOf(let shapes): for shape in shapes { pending.append((path, shape)) }
      default: break
      }
    }
    return nil
  }
}
