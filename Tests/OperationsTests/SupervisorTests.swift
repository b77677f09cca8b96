import CLibraries
import Configuration
import Memory
import Network
import Operations
import Reactor
import Synchronization
import Testing

/// A supervisor on a thread of its own, told by mailbox what signals would tell it.
private struct Process {
  private final class Outcome: Sendable {
    let addresses = Mutex<(clients: SocketAddress, admin: SocketAddress)?>(nil)
    let status = Mutex<Supervisor.ExitStatus?>(nil)
  }

  let mailbox: ControlMailbox
  let log = RecordedLog()
  let address: SocketAddress
  let admin: SocketAddress
  private let outcome = Outcome()

  init(_ source: ConfigurationSource) throws {
    mailbox = try ControlMailbox()
    var setting = Supervisor.Setting(
      source: source, version: "1.2.3", logger: log.logger, output: nil, mailbox: mailbox)
    setting.obeysSignals = false
    setting.resolve = { (name) throws(ResolverError) in
      guard name == "known.test" else { throw .notFound }
      return Resolver.Answer(addresses: [.loopbackV4], timeToLive: .seconds(60))
    }
    let given = setting
    let outcome = self.outcome
    try Thread.start(name: "supervisor") {
      do throws(Supervisor.StartError) {
        let supervisor = try Supervisor.start(given)
        let addresses = (supervisor.addresses[0], supervisor.adminAddresses[0])
        outcome.addresses.withLock { $0 = addresses }
        let status = supervisor.run()
        outcome.status.withLock { $0 = status }
      } catch {
        Issue.record(error)
      }
    }
    _ = eventually { outcome.addresses.withLock { $0 != nil } }
    (address, admin) = try #require(outcome.addresses.withLock { $0 })
  }

  var status: Supervisor.ExitStatus? { outcome.status.withLock { $0 } }

  /// The admin listener's answer: status and body.
  func get(_ path: String) throws -> (status: Int, body: String) {
    try get(path, from: admin)
  }

  /// What a client is answered.
  func ask(_ path: String) throws -> (status: Int, body: String) {
    try get(path, from: address)
  }

  private func get(
    _ path: String, from address: SocketAddress
  ) throws -> (status: Int, body: String) {
    let socket = try Sockets.connected(to: address, timeout: 10_000)
    let request = "GET \(path) HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"
    try Syscalls.sendAll(request.utf8.span, to: socket)
    var buffer = ByteBuffer(capacity: 1 << 20)
    while case .bytes = try Syscalls.receive(from: socket, into: &buffer) {}
    var bytes: [UInt8] = []
    for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
    let text = String(decoding: bytes, as: UTF8.self)
    let end = try #require(text.firstRange(of: "\r\n\r\n"))
    return (Int(text.dropFirst(9).prefix(3)) ?? 0, String(text[end.upperBound...]))
  }
}

private func configuration(_ more: String = "") -> String {
  """
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  workers: 2
  log: {access: off}
  routes:
    - {match: {prefix: /}, respond: {status: 200, body: hello, content_type: text/plain}}
  \(more)
  """
}

private func supervise(_ more: String = "") throws -> Process {
  try Process(.text(configuration(more), name: "test.yaml"))
}

@Test func `a supervisor starts, answers probes and ends when told`() throws {
  let process = try supervise()
  #expect(try process.get("/livez") == (200, "{\"live\":true}\n"))
  #expect(try process.get("/readyz").status == 200)
  #expect(try process.get("/nothing").status == 404)
  #expect(process.log.all.contains("info listening on \(process.address) with 2 workers"))
  #expect(process.log.all.contains("info admin listening on \(process.admin)"))
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status != nil })
  #expect(process.status == .success)
  #expect(process.log.all.last == "notice ended: nothing was under way any more")
}

@Test func `metrics tell of the process, its configuration and its servers`() throws {
  let process = try supervise(
    "pools: {erp: {servers: [127.0.0.1:9, 127.0.0.1:10]}}")
  let page = try process.get("/metrics").body
  for line in [
    "martlet_build_info{version=\"1.2.3\"} 1", "martlet_workers 2",
    "martlet_config_last_reload_successful 1", "martlet_connections{side=\"client\"} 0",
    "martlet_server_up{pool=\"erp\",server=\"127.0.0.1:9\"} 1",
    "martlet_server_in_flight{pool=\"erp\",server=\"127.0.0.1:10\"} 0",
    "# TYPE martlet_http_request_duration_seconds histogram", "# TYPE process_open_fds gauge",
  ] {
    #expect(page.contains(line + "\n"), "\(line)")
  }
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

@Test func `a lame duck is alive, not ready, and goes at the second word`() throws {
  let process = try supervise("shutdown: {lame_duck: 60s, deadline: 120s}")
  process.mailbox.post(.terminate)
  #expect(try eventually { try process.get("/readyz").status == 503 })
  #expect(try process.get("/readyz").body.contains("\"draining\""))
  #expect(try process.get("/livez").status == 200)
  #expect(process.status == nil)
  process.mailbox.post(.terminate)
  #expect(eventually { process.status == .failure })
  #expect(
    process.log.all.contains(
      "notice ending: accepting for 60 s more, what is under way has 120 s"))
}

@Test func `a required pool without a healthy server is not ready`() throws {
  let process = try supervise(
    "pools: {erp: {servers: [unknown.test:80], health: {path: /ping}}}")
  let (status, body) = try process.get("/readyz")
  #expect(status == 503)
  #expect(body.contains("pool erp: none of 1 servers is up"))
  #expect(
    eventually {
      process.log.all.contains(
        "warning unknown.test: name not found; its servers stay down; asked again in 1 s")
    })
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

@Test func `a name is resolved and its server becomes ready`() throws {
  let process = try supervise("pools: {erp: {servers: [known.test:80]}}")
  #expect(try eventually { try process.get("/readyz").status == 200 })
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

@Test func `a bad reload is reported and ignored, a good one taken`() throws {
  let folder = ScratchFolder()
  folder.write(configuration(), to: "martlet.yaml")
  let process = try Process(.file(folder.path("martlet.yaml")))
  folder.write(configuration("pols: {}"), to: "martlet.yaml")
  process.mailbox.post(.reload)
  #expect(
    try eventually {
      try process.get("/metrics").body.contains("martlet_config_last_reload_successful 0\n")
    })
  #expect(
    process.log.all.contains { $0.hasPrefix("error ") && $0.contains("martlet.yaml:7:1: ") })
  #expect(process.log.all.contains { $0.hasSuffix("has errors; the old one goes on") })
  #expect(try process.get("/readyz").status == 200)

  folder.write(
    configuration("pools: {erp: {servers: [127.0.0.1:9]}}"), to: "martlet.yaml")
  process.mailbox.post(.reload)
  #expect(
    try eventually {
      try process.get("/metrics").body.contains("martlet_config_last_reload_successful 1\n")
    })
  let page = try process.get("/metrics").body
  #expect(page.contains("martlet_config_reloads_total{result=\"failure\"} 1\n"))
  #expect(page.contains("martlet_config_reloads_total{result=\"success\"} 1\n"))
  #expect(page.contains("martlet_server_up{pool=\"erp\",server=\"127.0.0.1:9\"} 1\n"))
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

@Test func `a reload changes what new requests are answered`() throws {
  let folder = ScratchFolder()
  folder.write(configuration(), to: "martlet.yaml")
  let process = try Process(.file(folder.path("martlet.yaml")))
  #expect(try process.ask("/") == (200, "hello"))
  folder.write(configuration().replacing("hello", with: "good-bye"), to: "martlet.yaml")
  process.mailbox.post(.reload)
  #expect(try eventually { try process.ask("/").body == "good-bye" })
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
  #expect(throws: SystemError.self) { try process.ask("/") }
}

@Test func `servers of configurations that nobody uses any more make room for others`() throws {
  let folder = ScratchFolder()
  folder.write(configuration(), to: "martlet.yaml")
  let process = try Process(.file(folder.path("martlet.yaml")))
  // Together more than there is room for: 1024.
  for round in 1...15 {
    let servers = (1...100).map { "127.0.\(round).\($0):80" }.joined(separator: ", ")
    folder.write(configuration("pools: {erp: {servers: [\(servers)]}}"), to: "martlet.yaml")
    process.mailbox.post(.reload)
    let line = "martlet_config_reloads_total{result=\"success\"} \(round)\n"
    #expect(try eventually { try process.get("/metrics").body.contains(line) }, "\(round)")
  }
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

@Test func `requests go to a server that goes by name, and are counted and logged`() throws {
  let folder = ScratchFolder()
  let server = try supervise()
  let text = """
    listen: 127.0.0.1:0
    admin: 127.0.0.1:0
    log: {access: \(folder.path("access.log"))}
    pools:
      erp:
        servers: ["known.test:\(server.address.port)"]
        health: {path: /ping, body: hello}
    routes:
      - {name: all, match: {prefix: /}, proxy: erp}
    """
  let process = try Process(.text(text, name: "test.yaml"))
  #expect(try eventually { try process.get("/readyz").status == 200 })
  #expect(try process.ask("/some") == (200, "hello"))
  let name = "known.test:\(server.address.port)"
  #expect(
    try eventually {
      let page = try process.get("/metrics").body
      return page.contains("martlet_http_requests_total{route=\"all\",code=\"2xx\"} 1\n")
        && page.contains("martlet_upstream_requests_total{pool=\"erp\",server=\"\(name)\"} 1\n")
    })
  #expect(process.log.all.contains("info known.test is 127.0.0.1"))
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
  // The log is whole by the time that the process ends.
  let log = try TextFile.read(folder.path("access.log"), limit: 1 << 20)
  #expect(log.split(separator: "\n").count == 1)
  #expect(log.contains("\"target\":\"/some\"") && log.contains("\"server\":\"\(name)\""))
  server.mailbox.post(.interrupt)
  #expect(eventually { server.status == .success })
}

@Test func `what a reload cannot change is said`() throws {
  let folder = ScratchFolder()
  folder.write(configuration(), to: "martlet.yaml")
  let process = try Process(.file(folder.path("martlet.yaml")))
  let changed = configuration().replacing("workers: 2", with: "workers: 3")
  folder.write(changed, to: "martlet.yaml")
  process.mailbox.post(.reload)
  #expect(
    eventually {
      process.log.all.contains(
        "warning workers has changed: that takes effect at the next start")
    })
  process.mailbox.post(.interrupt)
  #expect(eventually { process.status == .success })
}

private func startError(_ source: ConfigurationSource) throws -> Supervisor.StartError? {
  var setting = Supervisor.Setting(
    source: source, version: "1", logger: RecordedLog().logger, output: nil,
    mailbox: try ControlMailbox())
  setting.obeysSignals = false
  do throws(Supervisor.StartError) {
    _ = try Supervisor.start(setting)
    return nil
  } catch {
    return error
  }
}

@Test func `a bad configuration is told with all that is wrong`() throws {
  let error = try startError(.text("listen: nowhere\nrutes: []\n", name: "bad.yaml"))
  guard case .configuration(let diagnostics) = error else {
    Issue.record("\(String(describing: error))")
    return
  }
  #expect(diagnostics.filter { $0.severity == .error }.count >= 2)
}

@Test func `a file that is not there is a bad configuration`() throws {
  guard case .configuration(let diagnostics) = try startError(.file("/nowhere.yaml")) else {
    Issue.record("no error")
    return
  }
  #expect(
    diagnostics.map(\.description) == [
      "/nowhere.yaml: cannot be read: No such file or directory"
    ])
}

@Test func `an address in use stops the start`() throws {
  let taken = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
  let address = try Syscalls.localAddress(taken)
  let text = configuration().replacing("listen: 127.0.0.1:0", with: "listen: \(address)")
  guard case .machine(let reason) = try startError(.text(text, name: "test.yaml")) else {
    Issue.record("no error")
    return
  }
  #expect(
    reason == "cannot listen on \(address): bind: Address already in use (EADDRINUSE)")
}
