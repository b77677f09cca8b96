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
      warns: "2:26: /dangling is a symbolic link to nothing"),
    Row(
      rule: "assets are a link to another image",
      text: "routes: [{match: {prefix: /assets}, files: {root: /sites}}]",
      warns: "2:51: /sites/assets is a symbolic link to nothing"),
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
    let kinds: [String: PathKind] = [
      "/tmp": .directory, "/sites": .directory, "/file": .file, "/dangling": .danglingLink,
      "/sites/assets": .danglingLink,
    ]
    let (configuration, diagnostics) = read(
      LintTests.start + row.text, inspect: { kinds[$0] ?? .missing })
    #expect(configuration != nil, "\(row.rule)")
    #expect(diagnostics.count == (row.warns == nil ? 0 : 1), "\(row.rule): \(diagnostics)")
    let first = diagnostics.first.map { "\($0.line ?? 0):\($0.column ?? 0): \($0.problem)" }
    #expect(first?.hasPrefix(row.warns ?? "") ?? true, "\(row.rule): \(first ?? "")")
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
