import CLibraries
import Configuration
import Memory
import Testing

@testable import Proxy

/// One pool behind one route that compresses.
private func configuration(
  _ level: GzipSettings.Level = .fast, _ change: (inout ProxySettings) -> Void = { _ in }
) -> Configuration {
  var proxy = ProxySettings(pool: "web")
  change(&proxy)
  var configuration = Configuration()
  configuration.gzip = GzipSettings()
  configuration.gzip?.level = level
  configuration.pools = [PoolSettings(name: "web")]
  configuration.routes = [RouteSettings(name: "all", action: .proxy(proxy))]
  return configuration
}

private let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: "

/// A worker, its server's one connection and a client that takes gzip, after the request.
private func begun(
  _ configuration: Configuration
) throws -> (bench: TestBench, server: Peer, client: Peer) {
  let origin = try Origin()
  let bench = try TestBench(configuration, servers: [[origin.address]])
  let client = try Peer(connectedTo: bench.address)
  try client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
  #expect(
    try bench.turns {
      try origin.accept()
      return origin.connections.first?.received.hasSuffix("\r\n\r\n") == true
    })
  return (bench, try #require(origin.connections.first), client)
}

@Test(arguments: [GzipSettings.Level.fast, .zlib(1), .zlib(5), .zlib(9)])
func `a turn compresses no more of one answer than its share`(
  _ level: GzipSettings.Level
) throws {
  let (bench, server, client) = try begun(configuration(level))
  let plan = GzipPlan(try #require(configuration(level).gzip))
  let share = plan.level.pieceBytes * Worker.pieceBudget
  #expect(share <= 64 << 10)
  // As much as the server's socket takes is here before the first turn.
  let length = 8 << 20
  try server.send("\(head)\(length)\r\n\r\n")
  var left = length
  var most = 0
  #expect(
    try bench.turns {
      left -= try server.offer(min(left, 1 << 20))
      let before = bench.bodyLeft
      try bench.turn()
      if let before { most = max(most, Int(before - (bench.bodyLeft ?? 0))) }
      client.read()
      return client.received.hasSuffix("\r\n0\r\n\r\n")
    })
  #expect(most > 0)
  #expect(most <= share)
}

@Test func `a large answer takes turns with a small one`() throws {
  let (bench, server, client) = try begun(configuration(.zlib(9)))
  let length = 4 << 20
  try server.send("\(head)\(length)\r\n\r\n")
  var left = length
  while case let taken = try server.offer(min(left, 1 << 20)), taken > 0 { left -= taken }
  try bench.turn()
  // Asked for something that Martlet answers by itself, while the large one is under way.
  let other = try Peer(connectedTo: bench.address)
  try other.send("BAD\r\n\r\n")
  var turns = 0
  while !other.received.hasPrefix("HTTP/1.1 400"), turns < 20 {
    turns += 1
    try bench.turn()
    other.read()
  }
  #expect(other.received.hasPrefix("HTTP/1.1 400"))
  client.read()
  #expect(!client.received.hasSuffix("\r\n0\r\n\r\n"), "the large one is not over")
}

@Test func `streams are bounded, kept for the next and given up after a burst`() {
  var compressors = Compressors()
  var taken: [Handle] = []
  while let stream = compressors.take(.fast) { taken.append(stream) }
  #expect(taken.count == Compressors.limit)
  for stream in taken { compressors.give(stream) }
  let kept = compressors.streams.count
  #expect(kept == Compressors.keptLimit)
  let again = compressors.take(.fast)
  #expect(again.map { taken.contains($0) } == true)
  // After a reload with another level none of the old ones is used.
  let other = compressors.take(.zlib(5))
  let level = other.map { compressors.streams[$0].level }
  #expect(level == .zlib(5))
  let left = compressors.streams.count
  #expect(left == 2)
}

@Test func `a client that leaves gives its stream back`() throws {
  let (bench, server, client) = try begun(configuration())
  try server.send("\(head)1000\r\n\r\n")
  #expect(try bench.turns { bench.streamsTaken == 1 })
  client.end()
  // What the stream holds is sent to it when the server ends, and nobody takes it.
  try server.send(String(repeating: "x", count: 100))
  server.end()
  #expect(try bench.turns { !bench.hasExchange })
  #expect(bench.streamsTaken == 0)
}
