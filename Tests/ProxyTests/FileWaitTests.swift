import Configuration
import Files
import HTTP
import Memory
import Reactor
import Testing

@testable import Proxy

/// Keeps the only thread of a directory from answering anybody.
private final class Disk: Sendable {
  private let gate = WorkQueue<Void>()

  init(_ bench: TestBench, directory: String) {
    var server = FileServer(seed: 1)
    let route = server.install([FileRoute(base: .root(directory))])
    let question = server.question(
      FileRequest(method: .get), route: route, path: "/".utf8.span, site: "".utf8.span,
      type: "".utf8.span, head: "".utf8.span, now: 0)
    let gate = self.gate
    var limits = FileThreadLimits()
    limits.threads = 1
    _ = bench.files.answer(FileLookup(question) { _ in _ = gate.next() }, limits)
  }

  func answer() { gate.close() }

  deinit { gate.close() }
}

private func configuration() -> Configuration {
  var configuration = Configuration()
  configuration.fileCache.threads = 1
  configuration.routes = [
    RouteSettings(name: "files", action: .files(FilesSettings(.root("/var/empty/none"))))
  ]
  return configuration
}

@Suite struct FileWaitTests {
  private let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func `a client that leaves while a file is looked for is let go a moment later`() throws {
    let bench = try TestBench(configuration())
    let disk = Disk(bench, directory: "/var/empty/none")
    let client = try Peer(connectedTo: bench.address)
    try client.send(request)
    #expect(try bench.turns { bench.hasExchange })
    client.end(.writing)
    _ = try bench.turns { bench.clientIsDone }
    try bench.advance(by: .milliseconds(900))
    #expect(bench.hasExchange, "it may still want its answer")
    try bench.advance(by: .milliseconds(200))
    #expect(!bench.hasExchange)
    disk.answer()
  }

  @Test func `a client that has said all and waits gets its file`() throws {
    let bench = try TestBench(configuration())
    let disk = Disk(bench, directory: "/var/empty/none")
    let client = try Peer(connectedTo: bench.address)
    try client.send(request)
    client.end(.writing)
    #expect(try bench.turns { bench.clientIsDone && bench.hasExchange })
    disk.answer()
    #expect(
      try bench.turns {
        client.read()
        return client.received.hasPrefix("HTTP/1.1 404 ")
      })
  }

  @Test func `of many that wait for one file a turn answers some, and all get their answer`() throws
  {
    let bench = try TestBench(configuration(), connections: 512)
    let disk = Disk(bench, directory: "/var/empty/none")
    var clients: [Peer] = []
    for i in 1...400 {
      clients.append(try Peer(connectedTo: bench.address))
      try clients[i - 1].send(request)
      #expect(try bench.turns { bench.exchangesCount == i })
    }
    disk.answer()
    var waiting = clients.count
    var most = 0
    let areAllAnswered = try bench.turns {
      most = max(most, waiting - bench.exchangesCount)
      waiting = bench.exchangesCount
      return waiting == 0
    }
    #expect(areAllAnswered && most <= Worker.waitersBudget)
    for client in clients {
      client.read()
      #expect(client.received.hasPrefix("HTTP/1.1 404 "))
    }
  }
}
