import Configuration
import Reactor
import Testing

@testable import Proxy

private func configuration() -> Configuration {
  var configuration = Configuration()
  var pool = PoolSettings(name: "web")
  pool.keepalive?.idle = .seconds(3600)
  pool.timeouts.response = .seconds(3600)
  configuration.pools = [pool]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(ProxySettings(pool: "web")))]
  configuration.timeouts.keepalive = .seconds(3600)
  return configuration
}

/// One request and its answer, by whichever connection the server is asked.
private func ask(_ bench: TestBench, _ client: Peer, _ origin: Origin) throws -> String {
  client.forget()
  try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  _ = try bench.turns {
    try origin.accept()
    return origin.connections.contains { $0.received.hasSuffix("\r\n\r\n") }
  }
  for connection in origin.connections where !connection.received.isEmpty {
    connection.forget()
    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  }
  _ = try bench.turns {
    client.read()
    return client.received.hasSuffix("\r\n\r\nok")
  }
  return client.received
}

@Test func `a connection to a server ends with the request at whose end it is too old`() throws {
  let origin = try Origin()
  var settings = configuration()
  settings.pools[0].keepalive?.age = .seconds(300)
  let bench = try TestBench(settings, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  // Not before three quarters of its time.
  for _ in 0..<3 {
    #expect(try ask(bench, client, origin).hasPrefix("HTTP/1.1 200 "))
    try bench.advance(by: .seconds(100))
  }
  #expect(origin.connections.count == 1)
  #expect(try ask(bench, client, origin).hasPrefix("HTTP/1.1 200 "))
  #expect(origin.connections.count == 1, "idle, it carries one more")
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections[0].hasEnded
    })
  #expect(try ask(bench, client, origin).hasPrefix("HTTP/1.1 200 "))
  #expect(origin.connections.count == 2)
}

@Test func `connections to a server that were opened together do not end together`() throws {
  let origin = try Origin()
  var settings = configuration()
  settings.pools[0].keepalive?.age = .seconds(300)
  let bench = try TestBench(settings, servers: [[origin.address]])
  let clients = try (0..<20).map { _ in try Peer(connectedTo: bench.address) }
  for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
  _ = try bench.turns {
    try origin.accept()
    return origin.connections.filter { $0.received.hasSuffix("\r\n\r\n") }.count == 20
  }
  // Between the first that may end and the last that must.
  try bench.advance(by: .seconds(262))
  for connection in origin.connections {
    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  }
  #expect(
    try bench.turns {
      for client in clients { client.read() }
      return clients.allSatisfy { $0.received.hasSuffix("ok") }
    })
  _ = try bench.turns {
    try origin.accept()
    return origin.connections.contains(where: \.hasEnded)
  }
  let ended = origin.connections.filter(\.hasEnded).count
  #expect((1...19).contains(ended))
}

@Test func `a client's connection ends with the first response after its time`() throws {
  let origin = try Origin()
  var settings = configuration()
  settings.keepalive.age = .seconds(60)
  let bench = try TestBench(settings, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(!(try ask(bench, client, origin).contains("Connection: close")))
  try bench.advance(by: .seconds(61))
  #expect(try ask(bench, client, origin).contains("Connection: close\r\n"))
}
