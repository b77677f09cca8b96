import Configuration
import Network
import Reactor
import Testing

@testable import Proxy

private func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
  var configuration = Configuration()
  configuration.pools = [PoolSettings(name: "web")]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(ProxySettings(pool: "web")))]
  change(&configuration)
  return configuration
}

/// Sends a request and waits until the server has it.
private func ask(
  _ bench: TestBench, _ client: Peer, _ origin: Origin, _ request: String
) throws -> Bool {
  try client.send(request)
  return try bench.turns {
    try origin.accept()
    return origin.connections.contains { $0.received.hasSuffix("\r\n\r\n") }
  }
}

@Test func `a head that does not come to its end in time is answered 408`() throws {
  let bench = try TestBench(configuration(), servers: [[]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET / HTTP/1.1\r\nHost:")
  #expect(try bench.turns { bench.count(1) == 1 && bench.hasExchange })
  try bench.advance(by: .seconds(29))
  try client.send(" a\r\nX: ")
  _ = try bench.turns { bench.hasExchange }
  client.read()
  #expect(client.received == "", "a byte now and then does not help")
  try bench.advance(by: .seconds(2))
  #expect(
    try bench.turns {
      client.read()
      return client.hasEnded || client.received.contains("408 Request Timeout")
    })
  #expect(client.received.hasPrefix("HTTP/1.1 408 "))
}

@Test func `a server that does not answer in time makes it 504, and not before`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration { $0.pools[0].timeouts.response = .seconds(10) }, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, client, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  try bench.advance(by: .seconds(9))
  client.read()
  #expect(client.received == "")
  try bench.advance(by: .seconds(2))
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasPrefix("HTTP/1.1 504 ")
    })
  #expect(!client.hasEnded, "the client's connection goes on")
}

@Test func `an idle connection to a server is retired before the server would close it`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, client, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  try origin.connections[0].send("HTTP/1.1 204 No Content\r\n\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.received.contains("204")
    })
  try bench.advance(by: .milliseconds(1400))
  origin.connections[0].read()
  #expect(!origin.connections[0].hasEnded)
  try bench.advance(by: .milliseconds(200))
  #expect(
    try bench.turns {
      origin.connections[0].read()
      return origin.connections[0].hasEnded
    })
}

@Test func `a kept connection that has died is replaced for a request that may be repeated`()
  throws
{
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, client, origin, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"))
  try origin.connections[0].send("HTTP/1.1 204 No Content\r\n\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.received.contains("204")
    })
  // It dies when the next request has gone out on it.
  try client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
  let first = origin.connections[0]
  first.forget()
  #expect(
    try bench.turns {
      try origin.accept()
      return first.received.contains("GET /2 ")
    })
  first.end()
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.count == 2 && origin.connections[1].received.contains("GET /2 ")
    })
  #expect(bench.count(103) == 0, "old age is no failure of the server")
}

@Test func `a client that closes its side gets a moment, and then its server is freed`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, client, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  client.end(.writing)
  _ = try bench.turns { bench.hasExchange }
  try bench.advance(by: .milliseconds(900))
  origin.connections[0].read()
  #expect(!origin.connections[0].hasEnded)
  try bench.advance(by: .milliseconds(200))
  #expect(
    try bench.turns {
      origin.connections[0].read()
      return origin.connections[0].hasEnded
    })
}

@Test func `a tunnel passes bytes both ways, half closes, and ends when nothing moves`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration {
      var proxy = ProxySettings(pool: "web")
      proxy.upgrade = ["websocket"]
      $0.routes = [RouteSettings(name: "all", action: .proxy(proxy))]
      $0.timeouts.tunnel = .seconds(60)
    }, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  let upgrade = """
    GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
    """
  #expect(try ask(bench, client, origin, upgrade))
  let server = origin.connections[0]
  #expect(server.received.contains("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"))
  server.forget()
  try server.send(
    """
    HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nearly
    """)
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasSuffix("\r\n\r\nearly")
    })
  try client.send("up")
  #expect(
    try bench.turns {
      server.read()
      return server.received == "up"
    })
  client.end(.writing)
  #expect(
    try bench.turns {
      server.read()
      return server.hasEnded
    })
  try server.send("last words")
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasSuffix("last words")
    })
  // Of which one side has ended waits for the other no longer than `half_closed`.
  try bench.advance(by: .milliseconds(900))
  client.read()
  #expect(!client.hasEnded)
  try bench.advance(by: .milliseconds(200))
  #expect(
    try bench.turns {
      client.read()
      return client.hasEnded
    })
  #expect(bench.count(4) == 0, "no tunnel is left")
}

@Test func `draining ends idle connections and lets busy ones finish`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration {
      var greeting = RouteSettings(name: "greeting", action: .respond(RespondSettings()))
      greeting.match.path = .exact("/hello")
      $0.routes.insert(greeting, at: 0)
    }, servers: [[origin.address]])
  let idle = try Peer(connectedTo: bench.address)
  try idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
  #expect(
    try bench.turns {
      idle.read()
      return !idle.received.isEmpty
    })
  let busy = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, busy, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  bench.mailbox.drain()
  #expect(
    try bench.turns {
      idle.read()
      return idle.hasEnded
    })
  try origin.connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  #expect(
    try bench.turns {
      busy.read()
      return busy.hasEnded
    })
  #expect(busy.received.contains("\r\nConnection: close\r\n"))
  #expect(busy.received.hasSuffix("\r\n\r\nok"))
}

@Test func `who connected just before the end is heard for a moment`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let quick = try Peer(connectedTo: bench.address)
  let silent = try Peer(connectedTo: bench.address)
  bench.mailbox.drain(within: 5_000_000_000)
  try bench.turn()
  #expect(try ask(bench, quick, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  try origin.connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  #expect(
    try bench.turns {
      quick.read()
      return quick.hasEnded
    })
  #expect(quick.received.contains("\r\nConnection: close\r\n"))
  silent.read()
  #expect(!silent.hasEnded)
  try bench.advance(by: .milliseconds(1001))
  #expect(
    try bench.turns {
      silent.read()
      return silent.hasEnded
    })
}

@Test func `a body larger than memory allows is held on disk until it is whole`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration { $0.buffers.requestBytes = 16 << 10 }, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  let body = String(repeating: "0123456789abcdef", count: 40_000)
  try client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
  var rest = body[...]
  #expect(
    try bench.turns {
      try client.send(String(rest.prefix(30_000)))
      rest = rest.dropFirst(30_000)
      try origin.accept()
      return rest.utf8.count < 40_000
    })
  #expect(origin.connections.isEmpty, "no server is asked before the body is whole")
  #expect(bench.spilled > 0)
  try client.send(String(rest))
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.first?.received.hasSuffix(body) == true
    })
  try origin.connections[0].send("HTTP/1.1 204 No Content\r\n\r\n")
  #expect(try bench.turns { bench.spilled == 0 && !bench.hasExchange })
}

@Test func `a slow client does not make its server late`() throws {
  let origin = try Origin()
  let bench = try TestBench(
    configuration {
      var proxy = ProxySettings(pool: "web")
      proxy.buffersResponse = false
      $0.routes = [RouteSettings(name: "all", action: .proxy(proxy))]
      $0.pools[0].timeouts.response = .seconds(10)
    }, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  #expect(try ask(bench, client, origin, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  let size = 12 << 20
  try origin.connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
  var left = size
  var stalls = 0
  // Until neither the kernel's buffers nor the worker take any more.
  #expect(
    try bench.turns {
      let sent = try origin.connections[0].offer(min(left, 64 << 10))
      left -= sent
      stalls = sent == 0 ? stalls + 1 : 0
      return stalls > 50
    })
  #expect(left > 0)
  try bench.advance(by: .seconds(20))
  #expect(
    try bench.turns {
      for _ in 0..<8 { left -= try origin.connections[0].offer(min(left, 64 << 10)) }
      client.read()
      return client.received.utf8.count > size
    })
}
