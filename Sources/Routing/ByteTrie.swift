/// Trees of byte strings: which string is the whole of a text, and which is its longest
/// beginning. The cost of a look-up grows with the text, hardly with the number of strings.
///
/// Nodes are flat and every tree lives in the same arrays, so that a walk touches little memory
/// and counts no references. The children of a node lie side by side, sorted by first byte.
struct ByteTrie: Sendable {
  /// What a string stands for; -1 for nothing.
  typealias Value = Int32

  struct Key {
    let bytes: [UInt8]
    /// When the text is this string.
    var exact: Value = -1
    /// When the text begins with this string.
    var prefix: Value = -1
  }

  private struct Node {
    let labelStart: UInt32
    let labelCount: UInt32
    let exact: Value
    let prefix: Value
    /// The nearest node above that has a prefix value; -1 without.
    let shorter: Int32
    var firstChild: UInt32 = 0
    var childCount: UInt32 = 0
  }

  struct Found {
    /// The value of the string that is the whole text; -1 without.
    var exact: Value = -1
    /// The node of the longest string that begins the text; -1 without.
    var prefixNode: Int32 = -1
  }

  private var nodes: [Node] = []
  /// The first byte of each node's label, close together for the search among children.
  private var firstBytes: [UInt8] = []
  private var labels: [UInt8] = []

  init() {}

  /// Looks `text` up in the tree at `root`, which `add` has given; -1 is a tree of nothing.
  func find(_ text: Span<UInt8>, from root: Int32) -> Found {
    var found = Found()
    guard root >= 0 else { return found }
    let nodes = nodes.span
    let firstBytes = firstBytes.span
    let labels = labels.span
    var number = Int(root)
    var at = 0
    while true {
      let node = nodes[number]
      let label = Int(node.labelStart)
      let count = Int(node.labelCount)
      guard count <= text.count - at else { return found }
      for i in 0..<count where labels[label + i] != text[at + i] { return found }
      at += count
      if node.prefix >= 0 { found.prefixNode = Int32(truncatingIfNeeded: number) }
      guard at < text.count else {
        found.exact = node.exact
        return found
      }
      var low = Int(node.firstChild)
      var high = low + Int(node.childCount)
      let end = high
      let byte = text[at]
      while low < high {
        let middle = (low + high) >> 1
        if firstBytes[middle] < byte { low = middle + 1 } else { high = middle }
      }
      guard low < end, firstBytes[low] == byte else { return found }
      number = low
    }
  }

  /// What the string of a node that `find` gave means as a beginning.
  func prefixValue(of node: Int32) -> Value { nodes[Int(node)].prefix }

  /// The node of the next shorter string that begins the same texts; -1 without.
  func shorter(than node: Int32) -> Int32 { nodes[Int(node)].shorter }

  // MARK: Building

  /// Adds a tree and gives its root; -1 when there are no keys.
  mutating func add(_ keys: [Key]) -> Int32 {
    var merged: [[UInt8]: Key] = [:]
    for key in keys {
      var one = merged[key.bytes] ?? Key(bytes: key.bytes)
      if key.exact >= 0 { one.exact = key.exact }
      if key.prefix >= 0 { one.prefix = key.prefix }
      merged[key.bytes] = one
    }
    guard !merged.isEmpty else { return -1 }
    let sorted = merged.values.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }

    /// Keys that share their first bytes and become one node with what hangs below it.
    struct Branch {
      let keys: ArraySlice<Key>
      /// How many bytes the nodes above have spelled.
      let depth: Int
      let shorter: Int32
      let number: Int
    }
    let root = nodes.count
    reserve()
    var waiting = [Branch(keys: sorted[...], depth: 0, shorter: -1, number: root)]
    while let branch = waiting.popLast() {
      guard let first = branch.keys.first, let last = branch.keys.last else { continue }
      // Sorted: what the first and the last share, all between them share.
      var end = branch.depth
      while end < first.bytes.count, end < last.bytes.count, first.bytes[end] == last.bytes[end] {
        end += 1
      }
      let ends = first.bytes.count == end ? first : nil
      nodes[branch.number] = Node(
        labelStart: UInt32(labels.count), labelCount: UInt32(end - branch.depth),
        exact: ends?.exact ?? -1, prefix: ends?.prefix ?? -1, shorter: branch.shorter,
        firstChild: UInt32(nodes.count))
      firstBytes[branch.number] = branch.depth < end ? first.bytes[branch.depth] : 0
      labels.append(contentsOf: first.bytes[branch.depth..<end])
      let shorter = (ends?.prefix ?? -1) >= 0 ? Int32(branch.number) : branch.shorter
      var rest = ends == nil ? branch.keys : branch.keys.dropFirst()
      while let byte = rest.first?.bytes[end] {
        let same = rest.prefix { $0.bytes[end] == byte }
        rest = rest.dropFirst(same.count)
        waiting.append(
          Branch(keys: same, depth: end, shorter: shorter, number: nodes.count))
        reserve()
        nodes[branch.number].childCount += 1
      }
    }
    return Int32(root)
  }

  private mutating func reserve() {
    nodes.append(Node(labelStart: 0, labelCount: 0, exact: -1, prefix: -1, shorter: -1))
    firstBytes.append(0)
  }
}
