import Configuration
import Network
import Testing

@testable import Proxy

/// A balancer's header has its time, and another one counts for what comes behind it.
struct ProxyHeaderTests {
  private static let line = "PROXY TCP4 203.0.113.9 192.0.2.1 40000 80\r\n"

  private static func bench() throws -> TestBench {
    var listen = Listen(Endpoint(.any, port: 0))
    listen.proxyProtocol = ProxyProtocol(from: [AddressBlock(.loopbackV4)])
    var configuration = Configuration()
    configuration.listen = [listen]
    configuration.timeouts.handshake = .seconds(10)
    configuration.timeouts.head = .seconds(30)
    configuration.routes = [RouteSettings(name: "all", action: .respond(RespondSettings()))]
    return try TestBench(configuration)
  }

  @Test(arguments: ["", "PROXY TCP4 203."])
  func `a connection without a header ends at its time and not before`(_ sent: String) throws {
    let bench = try Self.bench()
    let balancer = try Peer(connectedTo: bench.address)
    try balancer.send(sent)
    let isIn = try bench.turns { bench.count(2) == 1 }
    #expect(isIn)
    try bench.advance(by: .milliseconds(9_900))
    #expect(bench.count(2) == 1)
    try bench.advance(by: .milliseconds(200))
    #expect(bench.count(2) == 0)
  }

  @Test func `a request may come later than a header has to`() throws {
    let bench = try Self.bench()
    let balancer = try Peer(connectedTo: bench.address)
    try balancer.send(Self.line)
    let isTaken = try bench.turns { bench.clientState == .idle }
    #expect(isTaken)
    try bench.advance(by: .seconds(20))
    try balancer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let isAnswered = try bench.turns {
      balancer.read()
      return balancer.received.hasPrefix("HTTP/1.1 2")
    }
    #expect(isAnswered)
  }
}
