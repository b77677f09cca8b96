import Configuration
import Testing

struct LintTests {
  struct Row: Sendable {
    let rule: String
    let text: String
    /// The warning's place and beginning; nil for none.
    let warns: String?
  }

  private static let start = "listen: \":80\"\n"

  @Test(arguments: [
    Row(
      rule: "gunicorn's keep-alive is 2 s",
      text: "pools: {web: {servers: a:8000, keepalive: {idle: 2s}}}\nroutes: [{proxy: web}]",
      warns: "2:50: gunicorn closes idle connections after 2s"),
    Row(
      rule: "just under it",
      text: "pools: {web: {servers: a:8000, keepalive: {idle: 1999ms}}}\nroutes: [{proxy: web}]",
      warns: nil),
    Row(
      rule: "somebody else's server",
      text: "pools: {web: {servers: a:9000, keepalive: {idle: 60s}}}\nroutes: [{proxy: web}]",
      warns: nil),
    Row(
      rule: "the ingress gives up after 240 s",
      text: "pools: {web: {servers: a:8000, timeouts: {response: 240s}}}\nroutes: [{proxy: web}]",
      warns: "2:53: Azure Container Apps' ingress gives up"),
    Row(
      rule: "235 s still leave time for an answer",
      text: "pools: {web: {servers: a:8000, timeouts: {response: 235s}}}\nroutes: [{proxy: web}]",
      warns: nil),
    Row(
      rule: "a route's own",
      text: "pools: {web: {servers: a:80}}\n"
        + "routes: [{proxy: {pool: web, timeouts: {response: 5m}}}]",
      warns: "3:51: Azure Container Apps' ingress gives up"),
    Row(
      rule: "gunicorn's own timeout is 120 s",
      text: "pools: {web: {servers: a:8000, timeouts: {response: 60s}}}\nroutes: [{proxy: web}]",
      warns: "2:53: gunicorn lets a request run for 120s"),
    Row(
      rule: "Engine.IO is silent for 45 s",
      text: "timeouts: {tunnel: 45s}\npools: {web: {servers: a:80}}\n"
        + "routes: [{proxy: {pool: web, upgrade: websocket}}]",
      warns: "2:20: Socket.IO may be silent for 45s"),
    Row(
      rule: "the route's tunnel counts",
      text: "timeouts: {tunnel: 45s}\npools: {web: {servers: a:80}}\n"
        + "routes: [{proxy: {pool: web, upgrade: websocket, timeouts: {tunnel: 60s}}}]",
      warns: nil),
    Row(
      rule: "long polls, too",
      text: "pools: {web: {servers: a:80}}\n"
        + "routes: [{proxy: {pool: web, upgrade: websocket, timeouts: {response: 30s}}}]",
      warns: "3:71: Socket.IO's long polls may be silent"),
    Row(
      rule: "loopback is any program of the machine",
      text: "forwarded: {client_cert: keep}\nroutes: [{respond: 204}]",
      warns: "2:26: keep believes every program of this machine"),
    Row(
      rule: "who is believed has been said",
      text:
        "trusted_proxies: [127.0.0.1]\nforwarded: {client_cert: keep}\nroutes: [{respond: 204}]",
      warns: nil),
    Row(
      rule: "platforms kill after 30 s",
      text: "shutdown: {deadline: 31s}\nroutes: [{respond: 404}]",
      warns: "2:22: container platforms kill 30s after SIGTERM"),
    Row(rule: "30 s", text: "shutdown: {deadline: 30s}\nroutes: [{respond: 404}]", warns: nil),
    Row(
      rule: "everybody is trusted",
      text: "trusted_proxies: [0.0.0.0/0]\nroutes: [{respond: 404}]",
      warns: "2:19: 0.0.0.0/0 trusts everybody"),
    Row(
      rule: "a pool that no route leads to",
      text: "pools: {web: {servers: a:80}}\nroutes: [{respond: 404}]",
      warns: "2:9: no route leads to the pool web"),
    Row(
      rule: "headers that no server sees",
      text: "routes: [{respond: 404, request_headers: {set: {X: y}}}]",
      warns: "2:25: request_headers change nothing here"),
    Row(
      rule: "a directory that is missing", text: "routes: [{files: {root: /missing}}]",
      warns: "2:25: there is no directory /missing here"),
    Row(
      rule: "a file for a directory", text: "routes: [{files: {root: /file}}]",
      warns: "2:25: /file is not a directory"),
    Row(
      rule: "a link to nothing", text: "routes: [{files: {alias: /dangling}}]",
      warns: "2:26: /dangling is a symbolic link to /gone, which is not here"),
    Row(
      rule: "assets are a link to another image",
      text: "routes: [{match: {prefix: /assets}, files: {root: /sites}}]",
      warns: "2:51: /sites/assets is a symbolic link to /bench/assets, which is not here"),
    Row(
      rule: "no directory can be what the template names",
      text: "routes: [{files: {root: /sites, try: '/{host}/private{path}'}}]",
      warns: "2:38: no site is here: there is no directory /sites/{host}/private"),
    Row(
      rule: "wherever the variable stands in a name",
      text: "routes: [{files: {root: /sites/, try: '/x-{host}/public{path}'}}]",
      warns: "2:39: no site is here: there is no directory /sites/x-{host}/public"),
    Row(
      rule: "each template of a list has its place",
      text:
        "routes: [{files: {root: /sites, try: ['{path}', '/{host}/index.html', '/{host}/none/x']}}]",
      warns: "2:71: no site is here: there is no directory /sites/{host}/none"),
    Row(
      rule: "one directory that can be it is enough",
      text: "routes: [{files: {root: /sites, try: '/{host}/public{path}'}}]", warns: nil),
    Row(
      rule: "a file cannot",
      text: "routes: [{files: {root: /sites, try: '/{host}.json{path}'}}]",
      warns: "2:38: no site is here"),
    Row(
      rule: "two variables in one name",
      text: "routes: [{files: {root: /sites, try: '/{host}.{host}/public{path}'}}]", warns: nil),
    Row(
      rule: "a site's own name",
      text: "routes: [{files: {root: /sites, try: '/erp.test/public{path}'}}]", warns: nil),
    Row(
      rule: "a site's name that no directory has",
      text: "routes: [{files: {root: /sites, try: '/erp.tset/public{path}'}}]",
      warns: "2:38: there is no directory /sites/erp.tset/public here"),
    Row(
      rule: "below an alias the path may begin within a name",
      text: "routes: [{match: {prefix: /x}, files: {alias: /sites, try: '/erp.te{path}'}}]",
      warns: nil),
    Row(
      rule: "a directory that does not tell what it holds",
      text: "routes: [{files: {root: /many, try: '/{host}/public{path}'}}]", warns: nil),
    Row(
      rule: "a share that does not answer, and nothing is asked after it",
      text: "routes: [{files: {root: /hung}}, {match: {prefix: /x}, files: {root: /missing}}]",
      warns: "2:25: /hung did not answer in time"),
    Row(rule: "a directory", text: "routes: [{files: {root: /sites}}]", warns: nil),
    Row(
      rule: "nowhere to spill",
      text: "limits: {spill_directory: /missing}\nroutes: [{respond: 404}]",
      warns: "2:27: /missing is not a directory here"),
    Row(
      rule: "nothing is spilled",
      text: "limits: {spill_directory: /missing, spill: 0}\nroutes: [{respond: 404}]", warns: nil),
  ])
  func `what is doubtful is a warning`(_ row: Row) {
    let (configuration, diagnostics) = read(LintTests.start + row.text, view: LintTests.view)
    #expect(configuration != nil, "\(row.rule)")
    #expect(diagnostics.count == (row.warns == nil ? 0 : 1), "\(row.rule): \(diagnostics)")
    let first = diagnostics.first.map { "\($0.line ?? 0):\($0.column ?? 0): \($0.problem)" }
    #expect(first?.hasPrefix(row.warns ?? "") ?? true, "\(row.rule): \(first ?? "")")
  }

  private static let kinds: [String: PathKind] = [
    "/tmp": .directory, "/file": .file, "/many": .directory, "/hung": .silent,
    "/dangling": .danglingLink(to: "/gone"), "/sites": .directory, "/sites/": .directory,
    "/sites/assets": .danglingLink(to: "/bench/assets"), "/sites/erp.test": .directory,
    "/sites/erp.test/public": .directory, "/sites/common_site_config.json": .file,
  ]

  private static var view: FileSystemView {
    FileSystemView(
      kind: { kinds[$0] ?? .missing },
      names: { directory in
        guard directory != "/many" else { return nil }
        return kinds.keys.filter { $0.hasPrefix("\(directory)/") }
          .map { String($0.dropFirst(directory.count + 1)) }.filter { !$0.contains("/") }
      })
  }

  @Test func `an administrator of ERPNext is told where the assets are`() throws {
    let text = "listen: \":80\"\nroutes:\n- match: {prefix: /assets}\n  files: {root: /sites}\n"
    let said = try #require(read(text, view: LintTests.view).1.first?.description)
    #expect(
      said == """
        martlet.yaml:4:17: warning: /sites/assets is a symbolic link to /bench/assets, which is not here
          files: {root: /sites}
                        ^~~~~~
          ERPNext's containers make such a link to a directory of their own image
          copy it from that image into this one, to the same path, with what it links to in apps; \
        or write alias with a directory that has the files
        """)
  }

  @Test func `warnings keep quiet while there are errors`() {
    let (configuration, diagnostics) = read("listen: \":80\"\nshutdown: {deadline: 31s}\n")
    #expect(configuration == nil)
    #expect(diagnostics.map(\.severity) == [.error])
  }

  @Test func `a warning says so`() throws {
    let text = "listen: \":80\"\nshutdown: {deadline: 31s}\nroutes: [{respond: 404}]\n"
    let said = try #require(read(text).1.first?.description)
    #expect(
      said == """
        martlet.yaml:2:22: warning: container platforms kill 30s after SIGTERM unless told otherwise
          shutdown: {deadline: 31s}
                               ^~~
          write 27s, or raise the platform's grace period (terminationGracePeriodSeconds)
        """)
  }
}
