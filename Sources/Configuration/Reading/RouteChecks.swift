/// What is wrong with routes although every value by itself is right.
enum RouteChecks {
  /// All routes together; matching keeps a bit for each.
  private static let methodsLimit = 64

  static func run(on configuration: Configuration, _ reading: inout Reading) {
    checkNames(configuration, &reading)
    check(configuration.requestHeaders, at: ["request_headers"], isRequest: true, &reading)
    check(configuration.responseHeaders, at: ["response_headers"], isRequest: false, &reading)
    for (i, route) in configuration.routes.enumerated() {
      let path = ["routes", String(i)]
      checkMatch(route, at: path, &reading)
      checkGzip(route, at: path, &reading)
      check(route.limits, at: path + ["limits"], &reading)
      switch route.action {
      case .files(let settings): check(settings, of: route, configuration, at: path, &reading)
      case .proxy(let settings): check(settings, configuration, at: path, &reading)
      case .redirect(let settings):
        if case .exact(let text) = route.match.path, text == settings.to {
          reading.report(
            at: path + ["redirect", "to"], "\(text) is redirected to itself",
            ["browsers give up after a few rounds"])
        }
      case .respond(let settings):
        if !settings.body.isEmpty, settings.status == 204 || settings.status == 304 {
          reading.report(
            at: path + ["respond", "body"], "an answer \(settings.status) has no body",
            ["remove body, or answer 200"])
        }
      }
      check(route.requestHeaders, at: path + ["request_headers"], isRequest: true, &reading)
      check(route.responseHeaders, at: path + ["response_headers"], isRequest: false, &reading)
    }
    let methods = Set(configuration.routes.flatMap(\.match.methods))
    if methods.count > methodsLimit {
      reading.report(
        atKey: ["routes"], "routes name \(methods.count) different methods",
        ["the most is \(methodsLimit)"])
    }
    checkFallbackLoops(configuration, &reading)
    checkReach(configuration, &reading)
  }

  private static func check(
    _ limits: [RequestLimit], at path: [String], _ reading: inout Reading
  ) {
    if limits.count > RequestLimit.countLimit {
      reading.report(
        at: path, "a route has \(limits.count) limits",
        ["the most is \(RequestLimit.countLimit)"])
    }
    for (i, limit) in limits.enumerated() where reading.isWhole(path + [String(i)]) {
      if limit.rate == nil, limit.inFlight == 0 {
        reading.report(
          at: path + [String(i)], "the limit limits nothing",
          ["give it a rate: 10/s, or in_flight: 5"])
      }
      if limit.rate == nil, limit.burst > 0 {
        reading.report(
          at: path + [String(i), "burst"], "burst is of a rate, and there is none",
          ["give it a rate: 10/s"])
      }
    }
  }

  private static func checkNames(_ configuration: Configuration, _ reading: inout Reading) {
    var known: [String: Int] = [:]
    for (i, route) in configuration.routes.enumerated() {
      guard let first = known[route.name] else {
        known[route.name] = i
        continue
      }
      reading.report(
        at: ["routes", String(i), "name"], "\(Reading.quoted(route.name)) is another route's name",
        reading.range(of: ["routes", String(first), "name"]).map {
          ["the other is on line \($0.start.line)"]
        } ?? [])
    }
  }

  private static func checkMatch(
    _ route: RouteSettings, at path: [String], _ reading: inout Reading
  ) {
    let final = path + ["match", "prefix_final"]
    if reading.has(final), reading.isSound(path + ["match", "prefix"]) {
      guard case .prefix = route.match.path else {
        reading.report(
          atKey: final, "prefix_final says something about prefix, which this route has not",
          ["remove it"])
        return
      }
    }
  }

  private static func checkGzip(
    _ route: RouteSettings, at path: [String], _ reading: inout Reading
  ) {
    guard route.gzip != nil else { return }
    let word: String
    switch route.action {
    case .files, .proxy: return
    case .redirect: word = "redirect"
    case .respond: word = "respond"
    }
    reading.report(
      atKey: path + ["gzip"], "what \(word) answers is never compressed", ["remove gzip"])
  }

  // MARK: Actions

  private static func check(
    _ settings: FilesSettings, of route: RouteSettings, _ configuration: Configuration,
    at path: [String], _ reading: inout Reading
  ) {
    if case .alias = settings.base, case .regex = route.match.path {
      reading.report(
        atKey: path + ["files", "alias"],
        "alias takes the route's prefix away, and this route has a regex instead",
        ["use root, or match by prefix"])
    }
    if let name = settings.fallback, configuration.routeIndex(named: name) == nil {
      reading.report(
        at: path + ["files", "fallback"], "\(Reading.quoted(name)) is not a route",
        Suggestion.advice(
          for: name, among: configuration.routes.map(\.name).filter { $0 != route.name }))
    }
  }

  private static func check(
    _ settings: ProxySettings, _ configuration: Configuration, at path: [String],
    _ reading: inout Reading
  ) {
    // An empty name was reported; names that could not be read would all be missed here.
    guard !settings.pool.isEmpty, reading.isSound(["pools"]),
      configuration.poolIndex(named: settings.pool) == nil
    else { return }
    let names = configuration.pools.map(\.name)
    reading.report(
      at: path + ["proxy", "pool"], "\(Reading.quoted(settings.pool)) is not a pool",
      names.isEmpty
        ? ["add it: pools: {\(settings.pool): {servers: [\"127.0.0.1:8000\"]}}"]
        : Suggestion.advice(for: settings.pool, among: names))
  }

  // MARK: Headers

  /// What frames a message or belongs to one connection is Martlet's own to write.
  private static let ownHeaders = [
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
  ]

  private static func check(
    _ edits: HeaderEdits, at path: [String], isRequest: Bool, _ reading: inout Reading
  ) {
    let sets = edits.set.map { (place: ["set", $0.name], name: $0.name) }
    let adds = edits.add.map { (place: ["add", $0.name], name: $0.name) }
    let removes = edits.remove.enumerated().map {
      (place: ["remove", String($0.offset)], name: $0.element)
    }
    for (place, name) in sets + adds + removes {
      let lower = name.lowercased()
      if ownHeaders.contains(lower) {
        reading.report(
          atKey: path + place, "\(name) frames messages or belongs to one connection",
          ["it is written as each side needs it; leave it out"])
      } else if isRequest, lower == "host" {
        reading.report(
          atKey: path + place, "Host is decided by the pool",
          ["write host: preserve, server or a name in the pool"])
      } else if isRequest, lower == "expect" {
        reading.report(
          atKey: path + place, "Expect is decided by expect_continue",
          ["write expect_continue: answer or relay"])
      }
    }
    for (kind, fields) in [("set", edits.set), ("add", edits.add)] {
      for (i, field) in fields.enumerated()
      where fields[..<i].contains(where: { $0.name.lowercased() == field.name.lowercased() }) {
        reading.report(
          atKey: path + [kind, field.name], "\(field.name) is here twice: headers know no case",
          ["keep one of them"])
      }
    }
  }

  // MARK: Ways

  private static func checkFallbackLoops(
    _ configuration: Configuration, _ reading: inout Reading
  ) {
    let next = configuration.routes.map { route -> Int? in
      guard case .files(let settings) = route.action, let name = settings.fallback else {
        return nil
      }
      return configuration.routeIndex(named: name)
    }
    var isDone = Array(repeating: false, count: next.count)
    for start in next.indices {
      var way: [Int] = []
      var i: Int? = start
      while let current = i, !isDone[current], !way.contains(current) {
        way.append(current)
        i = next[current]
      }
      if let current = i, let begin = way.firstIndex(of: current) {
        let names = (way[begin...] + [current]).map { configuration.routes[$0].name }
        reading.report(
          at: ["routes", String(current), "files", "fallback"],
          names.count == 2
            ? "\(names[0]) falls back to itself"
            : "fallbacks lead in a circle: \(names.joined(separator: " → "))",
          ["the last of them needs another action, or none: without fallback it answers 404"])
      }
      for done in way { isDone[done] = true }
    }
  }

  /// A route that another one before it leaves nothing for.
  private static func checkReach(_ configuration: Configuration, _ reading: inout Reading) {
    let fallbacks = Set(
      configuration.routes.compactMap { route -> String? in
        if case .files(let settings) = route.action { settings.fallback } else { nil }
      })
    // What could not be read is not known to be the same.
    let isWhole = configuration.routes.indices.map {
      reading.isWhole(["routes", String($0), "match"])
    }
    // By place: the routes so far. There may be thousands, of which few have one in common.
    var known: [Place: [Int]] = [:]
    for (i, route) in configuration.routes.enumerated() where isWhole[i] {
      defer {
        for place in Place.all(of: route.match) { known[place, default: []].append(i) }
      }
      guard !fallbacks.contains(route.name), let place = Place.all(of: route.match).first,
        let before = known[place]?.first(where: {
          covers(configuration.routes[$0].match, route.match)
        })
      else { continue }
      let first = configuration.routes[before]
      reading.report(
        at: ["routes", String(i), "match"],
        "no request comes here: the route \(Reading.quoted(first.name)) before takes them all",
        ["match something else, or make this the fallback of that route's files"])
    }
  }

  /// One host, or any, and a path. A route that takes all requests of another one has all places
  /// that the other has.
  private struct Place: Hashable {
    let host: HostPattern?
    let path: PathPattern

    static func all(of match: Match) -> [Place] {
      let path = path(of: match)
      if match.hosts.isEmpty { return [Place(host: nil, path: path)] }
      return match.hosts.map { Place(host: $0, path: path) }
    }

    static func path(of match: Match) -> PathPattern {
      if case .prefix(let text, _) = match.path { .prefix(text) } else { match.path }
    }
  }

  /// Every request that the second matches the first takes, which stands before it.
  private static func covers(_ first: Match, _ second: Match) -> Bool {
    func headers(_ match: Match) -> Set<HeaderField> {
      Set(match.headers.map { HeaderField(name: $0.name.lowercased(), value: $0.value) })
    }
    let hosts = (Set(first.hosts), Set(second.hosts))
    let methods = (Set(first.methods), Set(second.methods))
    return Place.path(of: first) == Place.path(of: second)
      && (hosts.0.isEmpty == hosts.1.isEmpty && hosts.0.isSuperset(of: hosts.1))
      && (methods.0.isEmpty == methods.1.isEmpty && methods.0.isSuperset(of: methods.1))
      && headers(first) == headers(second)
  }
}
