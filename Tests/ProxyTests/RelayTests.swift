import Configuration
import Network
import Reactor
import Testing

@testable import Proxy

/// One pool behind one route, with what a test changes of it.
private func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
  var configuration = Configuration()
  configuration.pools = [PoolSettings(name: "web")]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(ProxySettings(pool: "web")))]
  change(&configuration)
  return configuration
}

@Test func `a request reaches the server and its response the client`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET /a?b=1 HTTP/1.1\r\nHost: example.com\r\nX-Y: z\r\n\r\n")
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.first?.received.hasSuffix("\r\n\r\n") == true
    })
  let request = try #require(origin.connections.first?.received)
  #expect(request.hasPrefix("GET /a?b=1 HTTP/1.1\r\nHost: example.com\r\nX-Y: z\r\n"))
  #expect(request.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"))

  try origin.connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasSuffix("hello")
    })
  #expect(client.received.hasPrefix("HTTP/1.1 200 OK\r\n"))
  #expect(client.received.contains("\r\nContent-Length: 5\r\n"))
}

@Test func `both connections are used again`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  for i in 0..<5 {
    try client.send("GET /\(i) HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(
      try bench.turns {
        try origin.accept()
        return origin.connections.first?.received.contains("GET /\(i) ") == true
          && origin.connections[0].received.hasSuffix("\r\n\r\n")
      })
    try origin.connections[0].send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(i)")
    #expect(
      try bench.turns {
        client.read()
        return client.received.hasSuffix("\r\n\r\n\(i)")
      })
  }
  #expect(origin.connections.count == 1)
  #expect(bench.count(1) == 1, "one client connection was accepted")
}

@Test func `pipelined requests are answered in order`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send((0..<40).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
  var answered = 0
  let done = try bench.turns {
    try origin.accept()
    client.read()
    for connection in origin.connections where connection.received.hasSuffix("\r\n\r\n") {
      let path = connection.received.split(separator: " ")[1]
      connection.forget()
      try connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count + 1)\r\n\r\n\(path);")
      answered += 1
    }
    return client.received.contains("/39;")
  }
  #expect(done)
  #expect(answered == 40)
  let bodies = client.received.split(separator: "\r\n").filter { $0.hasPrefix("/") }.joined()
  let expected = (0..<40).map { "/\($0);" }.joined()
  #expect(bodies.replacing("HTTP/1.1 200 OK", with: "") == expected)
}

@Test func `a chunked response goes on in chunks and a cut one is cut`() throws {
  let origin = try Origin()
  let bench = try TestBench(configuration(), servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.first?.received.hasSuffix("\r\n\r\n") == true
    })
  try origin.connections[0].send(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasSuffix("\r\n\r\n5\r\nhello\r\n")
    })
  try origin.connections[0].send("!\r\n0\r\n\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.received.hasSuffix("1\r\n!\r\n0\r\n\r\n")
    })
  client.forget()
  try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  origin.connections[0].forget()
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections[0].received.hasSuffix("\r\n\r\n")
    })
  try origin.connections[0].send(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
  origin.connections[0].end()
  #expect(
    try bench.turns {
      client.read()
      return client.hasEnded
    })
  #expect(!client.received.contains("0\r\n\r\n"))
}

@Test func `a body that is held goes to another server when the first one dies`() throws {
  let first = try Origin()
  let second = try Origin()
  let bench = try TestBench(configuration(), servers: [[first.address, second.address]])
  let client = try Peer(connectedTo: bench.address)
  let body = String(repeating: "x", count: 200_000)
  try client.send("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
  // More than the sockets take at once: the worker must read meanwhile.
  var rest = body[...]
  var killed = false
  let origins = [first, second]
  let done = try bench.turns {
    if !rest.isEmpty {
      try client.send(String(rest.prefix(20_000)))
      rest = rest.dropFirst(20_000)
    }
    for origin in origins {
      try origin.accept()
      for connection in origin.connections where !killed && !connection.received.isEmpty {
        Syscalls.set(.resetOnClose, on: connection.socket)
        connection.end()
        killed = true
      }
    }
    return origins.contains { $0.connections.contains { $0.received.hasSuffix(body) } }
  }
  #expect(done)
  #expect(killed)
}

@Test func `a request that reached a server is not sent twice unless it may be`() throws {
  let first = try Origin()
  let second = try Origin()
  let bench = try TestBench(configuration(), servers: [[first.address, second.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
  var seen = 0
  #expect(
    try bench.turns {
      for origin in [first, second] {
        try origin.accept()
        for connection in origin.connections where connection.received.hasSuffix("ab") {
          seen += 1
          connection.forget()
          connection.end()
        }
      }
      client.read()
      return client.received.hasPrefix("HTTP/1.1 502 ")
    })
  #expect(seen == 1)
}

@Test func `an idle connection closes at its limit and not before`() throws {
  let bench = try TestBench(
    configuration { $0.routes = [RouteSettings(name: "r", action: .respond(RespondSettings()))] },
    servers: [[]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  #expect(
    try bench.turns {
      client.read()
      return client.received.contains("200 OK")
    })
  try bench.advance(by: .seconds(74))
  client.read()
  #expect(!client.hasEnded)
  try bench.advance(by: .seconds(2))
  #expect(
    try bench.turns {
      client.read()
      return client.hasEnded
    })
}
