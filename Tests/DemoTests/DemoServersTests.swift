import HTTP
import Network
import Reactor
import Testing

@testable import Demo

/// The demo's servers over real sockets.
struct DemoServersTests {
  let servers: DemoServers
  init() throws {
    servers = try DemoServers()
    try servers.start()
  }

  // MARK: Backends

  @Test func `a health check is answered as Frappe answers it`() throws {
    var client = try Client(servers.web[0])
    let answer = try client.ask("GET /api/method/ping")
    #expect(answer == .init(status: 200, body: #"{"message":"pong"}"# + "\n"))
  }

  @Test func `a backend tells its name, its count and what it was sent`() throws {
    for (address, name) in zip(servers.web, ["web-a", "web-b"]) {
      var client = try Client(address)
      _ = try client.ask("GET /api/whoami")
      let answer = try client.ask("GET /api/whoami?x=1", fields: "X-Forwarded-For: 192.0.2.1\r\n")
      #expect(
        answer.body
          == #"{"instance":"\#(name)","answered":2,"method":"GET","target":"/api/whoami?x=1","#
          + #""headers":[["Host","demo"],["X-Forwarded-For","192.0.2.1"]]}"# + "\n")
    }
  }

  @Test func `the page names files that are in the folder of sites`() throws {
    var client = try Client(servers.web[0])
    let page = try client.ask("GET /")
    #expect(page.status == 200)
    let site = try DemoSite()
    #expect(page.body.contains(#"href="\#(site.paths.style)""#))
    #expect(page.body.contains(#"src="\#(site.paths.script)""#))
  }

  @Test(arguments: [
    ("GET /nowhere", 404), ("DELETE /api/whoami", 405), ("GET /api/demo/instances/web-a/stop", 405),
    ("POST /api/demo/instances/web-c/stop", 404), ("POST /api/demo/instances/web-a/fly", 404),
    ("POST /api/demo/instances/web-a", 404), ("HEAD /api/method/ping", 200),
  ])
  func `a request for what is not here is refused`(_ line: String, _ status: Int) throws {
    var client = try Client(servers.web[0])
    try client.send("\(line) HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
    #expect(try client.answer(to: line.hasPrefix("HEAD") ? .head : .get).status == status)
  }

  @Test func `a malformed request is answered and the connection closed`() throws {
    var client = try Client(servers.web[0])
    try client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    #expect(try client.answer().status == 400)
    let hasEnded = client.hasEnded()
    #expect(hasEnded)
  }

  // MARK: Stop and start

  @Test(arguments: ["web-b", "realtime-a", "realtime-b"])
  func `a stopped instance refuses and ends connections until it is started`(
    _ name: String
  ) throws {
    let index = name.hasSuffix("-a") ? 0 : 1
    let address = name.hasPrefix("web") ? servers.web[index] : servers.realtime[index]
    var control = try Client(servers.web[0])
    var standing = try Client(address)

    let stopped = try control.ask("POST /api/demo/instances/\(name)/stop")
    #expect(stopped.status == 200)
    #expect(stopped.body.contains(#""name":"\#(name)""#))
    #expect(try control.ask("GET /api/demo/instances") == stopped)
    let hasEnded = standing.hasEnded()
    #expect(hasEnded)
    #expect(throws: SystemError.self) { _ = try Client(address) }

    #expect(try control.ask("POST /api/demo/instances/\(name)/start").status == 200)
    var again = try Client(address)
    #expect(try again.ask("GET /elsewhere").status == 404)
  }

  @Test func `an instance that is told to stop answers that first`() throws {
    var client = try Client(servers.web[1])
    let answer = try client.ask("POST /api/demo/instances/web-b/stop")
    #expect(answer.status == 200)
    #expect(answer.body.contains(#""running":false"#))
    let hasEnded = client.hasEnded()
    #expect(hasEnded)
    #expect(throws: SystemError.self) { _ = try Client(servers.web[1]) }
  }

  @Test func `the last backend is not stopped`() throws {
    var client = try Client(servers.web[0])
    #expect(try client.ask("POST /api/demo/instances/web-b/stop").status == 200)
    #expect(try client.ask("POST /api/demo/instances/web-a/stop").status == 409)
    #expect(try client.ask("POST /api/demo/instances/web-b/start").status == 200)
    #expect(try client.ask("POST /api/demo/instances/web-a/stop").status == 200)
  }

  @Test func `an instance counts from nothing after a stop`() throws {
    var control = try Client(servers.web[0])
    var client = try Client(servers.web[1])
    _ = try client.ask("GET /api/whoami")
    _ = try control.ask("POST /api/demo/instances/web-b/stop")
    _ = try control.ask("POST /api/demo/instances/web-b/start")
    var again = try Client(servers.web[1])
    #expect(try again.ask("GET /api/whoami").body.contains(#""answered":1,"#))
  }

  @Test func `what Martlet thinks of a server is shown`() throws {
    var client = try Client(servers.web[0])
    #expect(try client.ask("GET /api/demo/instances").body.contains(#""healthy":null"#))
    let sick = servers.web[1]
    servers.note(sick, isHealthy: false)
    servers.note(servers.web[0], isHealthy: true)
    let body = try client.ask("GET /api/demo/instances").body
    #expect(body.contains(#""address":"\#(sick)","running":true,"healthy":false"#))
    #expect(body.contains(#""address":"\#(servers.web[0])","running":true,"healthy":true"#))
  }
}
