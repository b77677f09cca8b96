/// Reads a YAML text into a tree of values that know their places.
///
/// What it takes is the part of YAML 1.1 that configuration files use: one document, scalar
/// keys, anchors and aliases, merge keys (`<<`), no tags of one's own. Scalars stay texts: what
/// `yes`, `1e3` or `12:30` mean is for the reader of the tree to say.
public struct YAMLParser {
  /// The most bytes of a text.
  public static let textBytesLimit = 1 << 20
  /// The most levels of lists and mappings, aliases followed.
  public static let depthLimit = 64
  /// The most values of a tree, so that a few aliases of aliases do not make billions.
  public static let nodesLimit = 100_000

  /// - Throws: at the first place that is no YAML, or past a limit.
  public static func parse(_ text: String) throws(YAMLError) -> YAMLDocument {
    let start = YAMLMark(line: 1, column: 1)
    guard text.utf8.count <= textBytesLimit else { throw YAMLError(.tooLarge, at: start) }
    guard var events = YAMLEvents(text) else {
      throw YAMLError(.syntax(problem: "no memory is left", context: nil), at: start)
    }
    var parser = YAMLParser()
    while true {
      let event = try events.next()
      if case .streamEnd = event.kind { break }
      try parser.take(event)
    }
    return YAMLDocument(root: parser.root?.node, duplicateKeys: parser.duplicateKeys)
  }

  /// A finished value, what it counts against the limits, and how deep it is itself.
  private struct Built {
    let node: YAMLNode
    let nodes: Int
    let depth: Int
  }

  /// A list or mapping that is still open.
  private struct Open {
    let isMapping: Bool
    let anchor: String?
    let start: YAMLMark
    var nodes = 1
    var depth = 1
    var items: [YAMLNode] = []
    var entries: [YAMLNode.Entry] = []
    var places: [String: Int] = [:]  // a key's index in `entries`
    var key: (text: String, style: YAMLNode.Style, range: YAMLRange)?
    var merged: [YAMLNode] = []
  }

  private var open: [Open] = []
  private var root: Built?
  private var anchors: [String: Built] = [:]
  private var nodes = 0
  private var documents = 0
  private var duplicateKeys: [YAMLDocument.DuplicateKey] = []

  private mutating func take(_ event: YAMLEvents.Event) throws(YAMLError) {
    if let tag = event.tag, !YAMLParser.isKnown(tag) {
      throw YAMLError(.unknownTag(tag), at: event.range.start)
    }
    switch event.kind {
    case .documentStart:
      documents += 1
      guard documents == 1 else { throw YAMLError(.secondDocument, at: event.range.start) }
    case .sequenceStart, .mappingStart:
      var isMapping = false
      if case .mappingStart = event.kind { isMapping = true }
      if let parent = open.last, parent.isMapping, parent.key == nil {
        throw YAMLError(.keyIsNoScalar, at: event.range.start)
      }
      guard open.count < YAMLParser.depthLimit else {
        throw YAMLError(.tooDeep, at: event.range.start)
      }
      // What the anchor named before is gone, and it names nothing until this is finished.
      if let anchor = event.anchor { anchors[anchor] = nil }
      open.append(Open(isMapping: isMapping, anchor: event.anchor, start: event.range.start))
    case .scalar(let text, let style):
      let node = YAMLNode(.scalar(text, style), range: event.range)
      let built = Built(node: node, nodes: 1, depth: 0)
      if let anchor = event.anchor { anchors[anchor] = built }
      try add(built, at: event.range)
    case .alias(let name):
      guard let built = anchors[name] else {
        let isOpen = open.contains { $0.anchor == name }
        throw YAMLError(
          isOpen ? .recursiveAlias(name) : .unknownAlias(name), at: event.range.start)
      }
      guard open.count + built.depth <= YAMLParser.depthLimit else {
        throw YAMLError(.tooDeep, at: event.range.start)
      }
      try add(built, at: event.range)
    case .sequenceEnd, .mappingEnd:
      guard let done = open.popLast() else { return }
      let built = Built(
        node: YAMLParser.node(of: done, end: event.range.end), nodes: done.nodes,
        depth: done.depth)
      if let anchor = done.anchor { anchors[anchor] = built }
      try add(built, at: built.node.range, isCounted: true)
    case .other, .streamEnd:
      break
    }
  }

  /// Puts a finished value where it belongs: into the list or mapping around it.
  private mutating func add(
    _ built: Built, at range: YAMLRange, isCounted: Bool = false
  ) throws(YAMLError) {
    // A list's or mapping's own parts were counted when they came.
    nodes += isCounted ? 1 : built.nodes
    guard nodes <= YAMLParser.nodesLimit else { throw YAMLError(.tooManyNodes, at: range.start) }
    guard let last = open.indices.last else {
      root = built
      return
    }
    open[last].nodes += built.nodes
    open[last].depth = max(open[last].depth, built.depth + 1)
    guard open[last].isMapping else {
      open[last].items.append(built.node)
      return
    }
    guard let key = open[last].key else {
      guard case .scalar(let text, let style) = built.node.content else {
        throw YAMLError(.keyIsNoScalar, at: range.start)
      }
      open[last].key = (text, style, range)
      return
    }
    open[last].key = nil
    if key.text == "<<", key.style == .plain {
      open[last].merged += try YAMLParser.mappings(in: built.node, at: range.start)
    } else if let first = open[last].places[key.text] {
      duplicateKeys.append(
        .init(key: key.text, range: key.range, first: open[last].entries[first].keyRange))
    } else {
      open[last].places[key.text] = open[last].entries.count
      open[last].entries.append(.init(key: key.text, keyRange: key.range, value: built.node))
    }
  }

  /// The list or mapping, with what `<<` brings added: its own keys win, then the first merged.
  private static func node(of done: Open, end: YAMLMark) -> YAMLNode {
    let range = YAMLRange(start: done.start, end: end)
    guard done.isMapping else { return YAMLNode(.sequence(done.items), range: range) }
    var entries = done.entries
    var keys = Set(done.places.keys)
    for case .mapping(let merged) in done.merged.map(\.content) {
      for entry in merged where keys.insert(entry.key).inserted { entries.append(entry) }
    }
    return YAMLNode(.mapping(entries), range: range)
  }

  private static func mappings(
    in node: YAMLNode, at mark: YAMLMark
  ) throws(YAMLError) -> [YAMLNode] {
    switch node.content {
    case .mapping: return [node]
    case .sequence(let items):
      for item in items {
        guard case .mapping = item.content else { throw YAMLError(.badMerge, at: mark) }
      }
      return items
    case .scalar: throw YAMLError(.badMerge, at: mark)
    }
  }

  /// YAML's own tags say nothing that the place of a value does not.
  private static func isKnown(_ tag: String) -> Bool {
    guard tag != "!" else { return true }
    let own = "tag:yaml.org,2002:"
    guard tag.hasPrefix(own) else { return false }
    return ["str", "int", "float", "bool", "null", "map", "seq"].contains(
      tag.dropFirst(own.count))
  }
}
