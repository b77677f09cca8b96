import CLibraries
import Configuration

/// Turns the routes of a configuration into what a `RouteTable` walks.
struct RouteTableBuilder {
  /// The routes of one host pattern, paths in the order they came.
  private struct Draft {
    var exact: [String: [RouteCandidates.Candidate]] = [:]
    var prefixes: [String: [RouteCandidates.Candidate]] = [:]
    var regexes: [RouteCandidates.Candidate] = []
  }

  private(set) var tries = ByteTrie()
  private(set) var hosts: Int32 = -1
  private(set) var anyHost: Int32 = -1
  private(set) var groups: [RouteGroup] = []
  private(set) var candidates = RouteCandidates()
  private(set) var patterns: [Pattern] = []
  private(set) var methods: Int32 = -1
  private(set) var fieldConditions = FieldConditions()

  /// nil is any host.
  private var drafts: [HostPattern?: Draft] = [:]
  private var patternNumbers: [String: Int32] = [:]
  private var methodNumbers: [String: Int32] = [:]
  /// By name in lower case, then by value.
  private var conditionNumbers: [String: [String: Int32]] = [:]
  private var conditionCount: Int32 = 0

  mutating func add(_ match: Match, route: Int) throws(RouteTableError) {
    var methodBits: UInt64 = 0
    for method in match.methods {
      methodBits |= 1 << UInt64(try number(ofMethod: method, route: route))
    }
    let conditions = match.headers.map { number(ofCondition: $0) }
    var pattern: Int32 = -1
    if case .regex(let text) = match.path { pattern = try number(ofPattern: text, route: route) }
    var isFinal = false
    if case .prefix(_, isFinal: let told) = match.path { isFinal = told }
    let candidate = RouteCandidates.Candidate(
      route: Int32(route), pattern: pattern, methods: methodBits,
      firstCondition: candidates.add(conditions: conditions),
      conditionCount: Int32(conditions.count), isFinal: isFinal)
    let hosts: Set<HostPattern?> = match.hosts.isEmpty ? [nil] : Set(match.hosts)
    for host in hosts {
      switch match.path {
      case .exact(let path): drafts[host, default: Draft()].exact[path, default: []] += [candidate]
      case .prefix(let path, isFinal: _):
        drafts[host, default: Draft()].prefixes[path, default: []] += [candidate]
      case .regex: drafts[host, default: Draft()].regexes.append(candidate)
      }
    }
  }

  mutating func finish() {
    methods = tries.add(
      methodNumbers.map { ByteTrie.Key(bytes: Array($0.key.utf8), exact: $0.value) })
    for (name, values) in conditionNumbers.sorted(by: { $0.key < $1.key }) {
      let tree = tries.add(
        values.map { ByteTrie.Key(bytes: Array($0.key.utf8), exact: $0.value) })
      fieldConditions.add(name: Array(name.utf8), values: tree)
    }

    // From the least to the most specific, so that a group's next one is there before it.
    if let draft = drafts[nil] { anyHost = add(draft, next: -1) }
    var suffixes: [(text: String, draft: Draft)] = []
    var names: [(text: String, draft: Draft)] = []
    for (host, draft) in drafts {
      switch host {
      case nil: break
      case .suffix(let text)?: suffixes.append((text, draft))
      case .exact(let text)?: names.append((text, draft))
      }
    }
    var keys: [ByteTrie.Key] = []
    var groupOfSuffix: [String: Int32] = [:]
    for (text, draft) in suffixes.sorted(by: { $0.text.utf8.count < $1.text.utf8.count }) {
      let group = add(draft, next: next(after: text, in: groupOfSuffix))
      groupOfSuffix[text] = group
      keys.append(ByteTrie.Key(bytes: text.utf8.reversed(), prefix: group))
    }
    for (text, draft) in names {
      let group = add(draft, next: next(after: text, in: groupOfSuffix))
      keys.append(ByteTrie.Key(bytes: text.utf8.reversed(), exact: group))
    }
    hosts = tries.add(keys)
  }

  /// The group of the longest suffix, each of which begins with a dot, that `host` ends with.
  private func next(after host: String, in groupOfSuffix: [String: Int32]) -> Int32 {
    for i in host.utf8.indices where host.utf8[i] == 0x2E {
      if let group = groupOfSuffix[String(host[i...])] { return group }
    }
    return anyHost
  }

  private mutating func add(_ draft: Draft, next: Int32) -> Int32 {
    var keys: [ByteTrie.Key] = []
    for (path, row) in draft.exact {
      keys.append(ByteTrie.Key(bytes: Array(path.utf8), exact: addRow(row)))
    }
    for (path, row) in draft.prefixes {
      keys.append(ByteTrie.Key(bytes: Array(path.utf8), prefix: addRow(row)))
    }
    groups.append(
      RouteGroup(
        paths: tries.add(keys), firstRegex: candidates.add(row: draft.regexes), next: next))
    return Int32(groups.count - 1)
  }

  /// Between equal paths those with methods or headers go first, then the order of the file.
  private mutating func addRow(_ row: [RouteCandidates.Candidate]) -> Int32 {
    candidates.add(row: row.filter(\.isConditional) + row.filter { !$0.isConditional })
  }

  private mutating func number(
    ofMethod name: String, route: Int
  ) throws(RouteTableError) -> Int32 {
    if let number = methodNumbers[name] { return number }
    let number = Int32(methodNumbers.count)
    guard number < 64 else { throw RouteTableError(route: route, reason: .tooManyMethods) }
    methodNumbers[name] = number
    return number
  }

  private mutating func number(
    ofPattern text: String, route: Int
  ) throws(RouteTableError) -> Int32 {
    if let number = patternNumbers[text] { return number }
    let number = Int32(patterns.count)
    do throws(PatternError) {
      patterns.append(try Pattern(text))
    } catch {
      throw RouteTableError(route: route, reason: .pattern(error))
    }
    patternNumbers[text] = number
    return number
  }

  private mutating func number(ofCondition field: HeaderField) -> Int32 {
    let name = field.name.lowercased()
    if let number = conditionNumbers[name]?[field.value] { return number }
    let number = conditionCount
    conditionCount += 1
    conditionNumbers[name, default: [:]][field.value] = number
    return number
  }
}

/// The routes of one exact host, of one suffix, or of any host.
struct RouteGroup: Sendable {
  /// A tree of exact paths and prefixes, whose values are rows of candidates.
  let paths: Int32
  /// A row of candidates with regexes; -1 without.
  let firstRegex: Int32
  /// The group to ask next; -1 ends.
  let next: Int32
}
