import Configuration
import Reactor
import Testing

@testable import Proxy

private func configuration() -> Configuration {
  var pool = PoolSettings(name: "realtime")
  pool.engineIO = EngineIOSettings()
  var proxy = ProxySettings(pool: "realtime")
  proxy.upgrade = ["websocket"]
  var configuration = Configuration()
  configuration.pools = [pool]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(proxy))]
  return configuration
}

private let upgrade =
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
  + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
  + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
private let switching =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
  + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
private let poll = "GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: a\r\n\r\n"

/// A worker before one server, and clients with WebSockets to it.
private func tunnels(
  _ count: Int
) throws -> (bench: TestBench, origin: Origin, clients: [Peer]) {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  var clients: [Peer] = []
  for i in 0..<count {
    let client = try Peer(connectedTo: bench.address)
    try client.send(upgrade)
    let isAsked = try bench.turns {
      try origin.accept()
      return origin.connections.count == i + 1
        && origin.connections[i].received.hasSuffix("\r\n\r\n")
    }
    try #require(isAsked)
    try origin.connections[i].send(switching)
    let isOpen = try bench.turns {
      client.read()
      return client.received.hasSuffix("\r\n\r\n")
    }
    try #require(isOpen)
    clients.append(client)
  }
  return (bench, origin, clients)
}

extension TestBench {
  fileprivate func drain(within window: Duration) throws {
    cells[0].setDraining(true)
    mailbox.moveClients(of: 0, within: window.nanoseconds)
    // The mailbox's event comes with the turns.
    _ = try turns { self.hasMoves }
  }

  /// How many of the clients have been told, and their side ended.
  fileprivate func ended(_ clients: [Peer], after time: Duration) throws -> Int {
    try advance(by: time)
    for _ in 0..<20 { try turn() }
    for client in clients { client.read() }
    return clients.count(where: \.hasEnded)
  }
}

@Test func `the WebSockets of a draining server are told one after the other`() throws {
  let (bench, origin, clients) = try tunnels(4)
  try bench.drain(within: .seconds(8))
  #expect(try bench.ended(clients, after: .milliseconds(900)) == 0)
  #expect(try bench.ended(clients, after: .milliseconds(200)) == 1)
  #expect(try bench.ended(clients, after: .milliseconds(1800)) == 1)
  #expect(try bench.ended(clients, after: .milliseconds(200)) == 2)
  #expect(try bench.ended(clients, after: .milliseconds(1800)) == 2)
  #expect(try bench.ended(clients, after: .milliseconds(2200)) == 4)
  #expect(origin.connections.count == 4, "it lives until here")
}

@Test func `WebSockets that have not been told when a drain is taken back stay`() throws {
  let (bench, origin, clients) = try tunnels(2)
  try bench.drain(within: .seconds(8))
  #expect(try bench.ended(clients, after: .milliseconds(2100)) == 1)
  bench.cells[0].setDraining(false)
  bench.mailbox.letClientsStay(with: 0)
  #expect(try bench.turns { !bench.hasMoves })
  #expect(try bench.ended(clients, after: .seconds(20)) == 1)
  for connection in origin.connections { try connection.send("\u{1}\u{2}hi") }
  let stays = try #require(clients.first { !$0.hasEnded })
  #expect(
    try bench.turns {
      stays.read()
      return stays.received.hasSuffix("hi")
    })
}

@Test func `a tunnel that is told ends with its peers' ends, or after a grace`() throws {
  let (bench, origin, clients) = try tunnels(1)
  try bench.drain(within: .zero)
  #expect(try bench.ended(clients, after: .milliseconds(40)) == 1)
  #expect(bench.count(4) == 1, "the peers may answer")
  _ = try bench.ended(clients, after: .milliseconds(4900))
  #expect(bench.count(4) == 1)
  _ = try bench.ended(clients, after: .milliseconds(200))
  #expect(bench.count(4) == 0)
  #expect(origin.connections.count == 1, "it lives until here")
}

@Test func `a poll that waits is answered at its session's time`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send(poll)
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.first?.received.hasSuffix("\r\n\r\n") == true
    })
  try bench.drain(within: .seconds(8))
  var waited = 0
  while waited < 90, client.received.isEmpty {
    _ = try bench.ended([client], after: .milliseconds(100))
    waited += 1
  }
  #expect(client.received.hasPrefix("HTTP/1.1 410 Gone\r\n"))
  #expect((1...81).contains(waited))
  #expect(bench.count(103) == 0, "it is no failure of the server")
}
