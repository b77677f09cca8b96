import Configuration
import Testing

/// Reads one value where it belongs, and gives it as the effective configuration writes it.
private func effective(_ line: String) -> String {
  let text = """
    listen: ":8080"
    pools: {web: {servers: ["127.0.0.1:8000"]}}
    routes: [{proxy: web}]
    \(line)
    """
  let (configuration, diagnostics) = read(text)
  guard let configuration else { return "! " + (diagnostics.first?.problem ?? "") }
  return configuration.effectiveYAML()
}

/// - Parameter path: a key of the file and one of its own.
private func value(of path: (String, String), in line: String) -> String {
  let text = effective(line)
  guard !text.hasPrefix("!") else { return text }
  let lines = text.split(separator: "\n").drop { $0 != "\(path.0):" }
  let found = lines.first { $0.hasPrefix("  \(path.1): ") }
  return found.map { String($0.dropFirst(path.1.count + 4)) } ?? "nothing"
}

struct CodecTests {
  struct Row: Sendable {
    let text: String
    let gives: String
  }

  @Test(arguments: [
    Row(text: "1500ms", gives: "1500ms"), Row(text: "1s", gives: "1s"),
    Row(text: "60s", gives: "1m"), Row(text: "90s", gives: "90s"), Row(text: "1h", gives: "1h"),
    Row(text: "59m60s", gives: "1h"), Row(text: "\"5s\"", gives: "5s"),
    Row(text: "1m30s", gives: "90s"), Row(text: "1s500ms", gives: "1500ms"),
    Row(text: "0", gives: "! \"0\" is too short"), Row(text: "5", gives: "! \"5\" has no unit"),
    Row(text: "999ms", gives: "! \"999ms\" is too short"),
    Row(text: "3601s", gives: "! \"3601s\" is too long"),
    Row(text: "1s1m", gives: "! \"1s1m\" is not a duration"),
    Row(text: "1s1s", gives: "! \"1s1s\" is not a duration"),
    Row(text: "-1s", gives: "! \"-1s\" is not a duration"),
    Row(text: "s", gives: "! \"s\" is not a duration"),
    Row(text: "٣s", gives: "! \"٣s\" is not a duration"),
    Row(text: "1us", gives: "! \"1us\" has no unit that durations are written in"),
    Row(text: "", gives: "! head has no value"), Row(text: "~", gives: "! head has no value"),
    Row(text: "[1s]", gives: "! head takes a duration, not a list"),
    Row(text: "{}", gives: "! head takes a duration, not keys"),
  ])
  func `a duration has a unit and a range`(_ row: Row) {
    #expect(value(of: ("timeouts", "head"), in: "timeouts: {head: \(row.text)}") == row.gives)
  }

  @Test(arguments: [
    Row(text: "512", gives: "\"512\""), Row(text: "1024", gives: "1KiB"),
    Row(text: "8KiB", gives: "8KiB"), Row(text: "8k", gives: "8KiB"),
    Row(text: "8K", gives: "8KiB"), Row(text: "1m", gives: "1MiB"),
    Row(text: "512B", gives: "\"512\""), Row(text: "8 KiB", gives: "8KiB"),
    Row(text: "1500", gives: "\"1500\""),
    Row(text: "0.5MiB", gives: "! \"0.5MiB\" has no unit that sizes are written in"),
    Row(text: "8KB", gives: "! \"8KB\" has no unit that sizes are written in"),
    Row(text: "255", gives: "! \"255\" is too small"),
    Row(text: "2m", gives: "! \"2m\" is too large"),
    Row(text: "9223372036854775807k", gives: "! \"9223372036854775807k\" is too large"),
    Row(text: "-1k", gives: "! \"-1k\" is not a size"),
  ])
  func `a size has binary units, nginx's too`(_ row: Row) {
    #expect(
      value(of: ("limits", "request_line"), in: "limits: {head: 1MiB, request_line: \(row.text)}")
        == row.gives)
  }

  @Test(arguments: [
    Row(text: "10", gives: "10"), Row(text: "\"1000\"", gives: "1000"),
    Row(text: "9", gives: "! \"9\" is out of range"),
    Row(text: "1001", gives: "! \"1001\" is out of range"),
    Row(text: "1e2", gives: "! \"1e2\" is not a number"),
    Row(text: "0x20", gives: "! \"0x20\" is not a number"),
    Row(text: "99999999999999999999", gives: "! \"99999999999999999999\" is out of range"),
    Row(text: "10.0", gives: "! \"10.0\" is not a number"),
    Row(text: "-", gives: "! \"-\" is out of range"),
  ])
  func `a number is decimal and in its range`(_ row: Row) {
    #expect(
      value(of: ("limits", "head_fields"), in: "limits: {head_fields: \(row.text)}") == row.gives)
  }

  @Test(arguments: [
    Row(text: "listen: 127.0.0.1:80", gives: "[127.0.0.1:80]"),
    Row(text: "listen: \":80, [::1]:81\"", gives: "[\":80\", \"[::1]:81\"]"),
    Row(text: "listen: [\"[::]:8080\"]", gives: "[\"[::]:8080\"]"),
    Row(text: "listen: \":0\"", gives: "[\":0\"]"),
    Row(text: "listen: \"\"", gives: "! \"\" is empty"),
    Row(text: "listen: \",\"", gives: "! \",\" is empty"),
    Row(text: "listen: []", gives: "! listen has nothing in it"),
    Row(
      text: "listen: name:80",
      gives: "! \"name:80\" is a name, and only addresses can be listened on"),
  ])
  func `an address may stand alone, in a list, or among commas`(_ row: Row) throws {
    let (configuration, diagnostics) = read("routes: [{respond: 404}]\n\(row.text)\n")
    let line = configuration?.effectiveYAML().split(separator: "\n").first ?? ""
    let got =
      configuration == nil ? "! " + (diagnostics.first?.problem ?? "") : String(line.dropFirst(8))
    #expect(got == row.gives)
  }

  @Test func `short forms are the same as long ones`() throws {
    let short = """
      listen: ":8080"
      admin: 127.0.0.1:8081
      pools:
        web: {servers: a:80, affinity: {cookie: STICK}, health: {path: /, status: 200}}
      routes:
        - {match: {exact: /f, host: x.example.com, methods: GET}, files: {root: /srv, try: "{path}", cache_control: no-store}}
        - {match: {exact: /r}, redirect: /new}
        - {match: {exact: /s}, respond: 404}
        - {proxy: web}
      """
    let long = """
      listen: [":8080"]
      admin: {listen: ["127.0.0.1:8081"]}
      pools:
        web:
          servers: [{address: "a:80"}]
          affinity: {cookie: {name: STICK}}
          health: {path: /, status: [200-200]}
      routes:
        - match: {exact: /f, host: [x.example.com], methods: [GET]}
          files: {root: /srv, try: ["{path}"], cache_control: [{value: no-store}]}
        - {match: {exact: /r}, redirect: {to: /new}}
        - {match: {exact: /s}, respond: {status: 404}}
        - {match: {prefix: /}, proxy: {pool: web}}
      """
    let configuration = try #require(read(short).0)
    #expect(configuration == read(long).0)
  }

  @Test func `everything that is absent has its default`() throws {
    let text = "listen: \":8080\"\npools: {web: {servers: a:80}}\nroutes: [{proxy: web}]\n"
    let configuration = try #require(read(text).0)
    var pool = PoolSettings(name: "web")
    pool.servers = configuration.pools[0].servers
    #expect(configuration.pools == [pool])
    #expect(configuration.pools[0].servers[0].name == "a:80")
    #expect(configuration.timeouts == Timeouts())
    #expect(configuration.limits == Limits())
    #expect(configuration.routes[0].name == "/")
    #expect(configuration.workers == nil)
    #expect(configuration.admin == nil)
  }

  @Test func `an empty mapping is all defaults`() throws {
    let text = "listen: \":80\"\nlimits:\ntimeouts: {}\nlog: ~\nroutes: [{respond: 404}]\n"
    let configuration = try #require(read(text).0)
    #expect(configuration.limits == Limits())
  }

  @Test func `routes without a name are called by their path`() throws {
    let text = """
      listen: ":8080"
      routes:
        - {match: {prefix: /a, methods: GET}, respond: 200}
        - {match: {prefix: /a}, respond: 404}
        - {name: /b, match: {prefix: /c}, respond: 404}
        - {match: {prefix: /b}, respond: 404}
        - {respond: 404}
      """
    let configuration = try #require(read(text).0)
    #expect(configuration.routes.map(\.name) == ["/a", "/a (2)", "/b", "/b (2)", "/"])
  }

  @Test func `a key that begins with x- holds what aliases stand for`() throws {
    let text = """
      x-times: &times {connect: 1s}
      listen: ":8080"
      pools: {web: {servers: a:80, timeouts: {<<: *times, send: 2s}}}
      routes: [{proxy: web}]
      """
    let configuration = try #require(read(text).0)
    #expect(configuration.pools[0].timeouts.connect == .seconds(1))
    #expect(configuration.pools[0].timeouts.send == .seconds(2))
  }
}
