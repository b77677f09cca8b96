import Configuration
import Network
import Reactor
import Testing

@testable import Proxy

private let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

private func configuration() -> Configuration {
  var configuration = Configuration()
  configuration.pools = [PoolSettings(name: "web")]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(ProxySettings(pool: "web")))]
  return configuration
}

@Test func `a request that comes with its connection reaches the server in the same turn`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration(), servers: [[origin.address]], awaitsRequests: true)
  let client = try Peer(connectedTo: bench.address)
  try client.send(request)
  #expect(try bench.turns { bench.count(1) == 1 })
  #expect(bench.hasExchange)
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.contains { $0.received.hasSuffix("\r\n\r\n") }
    })
  try origin.connections[0].send("HTTP/1.1 204 No Content\r\n\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.hasEnded
    })
  #expect(client.received.hasPrefix("HTTP/1.1 204 "))
}

@Test(arguments: [false, true])
func `a client that leaves before it is answered is noticed`(awaitsRequests: Bool) throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration(), servers: [[origin.address]], awaitsRequests: awaitsRequests)
  var client: Peer? = try Peer(connectedTo: bench.address)
  try client?.send(request)
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.contains { $0.received.hasSuffix("\r\n\r\n") }
    })
  if let client { Syscalls.set(.resetOnClose, on: client.socket) }
  client = nil
  // Whoever is not answered within a moment is looked out for from then on.
  try bench.advance(by: .milliseconds(3))
  #expect(try bench.turns { !bench.hasExchange })
  #expect(bench.clientState == nil)
}

@Test func `a connection that is kept is heard after its first answer`() throws {
  var configuration = Configuration()
  configuration.routes = [RouteSettings(name: "all", action: .respond(RespondSettings()))]
  let bench = try TestBench(configuration, awaitsRequests: true)
  let client = try Peer(connectedTo: bench.address)
  for _ in 0..<3 {
    try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(
      try bench.turns {
        client.read()
        return client.received.hasPrefix("HTTP/1.1 200 ")
      })
    client.forget()
  }
}

@Test func `half a request that comes with its connection is waited for`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration(), servers: [[origin.address]], awaitsRequests: true)
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET / HTTP/1.1\r\nHost:")
  #expect(try bench.turns { bench.count(1) == 1 && bench.hasExchange })
  try client.send(" a\r\n\r\n")
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.contains { $0.received.hasSuffix("\r\n\r\n") }
    })
}
