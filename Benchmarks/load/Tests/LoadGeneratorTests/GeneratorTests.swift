import LoadGenerator
import Testing

private let mix = Mix(kinds: [Mix.Kind(name: "page", requests: [Request(.get, "/")])])

/// 2,000 requests, one in each millisecond.
private func load(_ server: StallingServer, timeout: UInt64 = 5_000_000_000) throws -> Report {
  defer { server.stop() }
  var plan = LoadPlan(server: server.address, rate: 1000)
  plan.arrivals = .uniform
  plan.connections = 8
  plan.duration = 2_000_000_000
  plan.timeout = timeout
  var generator = try Generator(plan, mix)
  return try generator.run()
}

/// While the server stands still for 100 ms, 100 requests are due: the first waits for all of
/// that time, each other a millisecond less. So 1 % of the 2,000, which is 20, have waited for
/// more than 80 ms. The connections bring 8 of them to the server: that is all that a closed loop
/// would have seen of it, and far from 1 %.
///
/// Whatever else holds up this machine makes latencies longer, never shorter.
@Test func `a stall of 100 ms shows in the 99th percentile, and would not in a closed loop`()
  throws
{
  let all = try load(StallingServer(stall: 100, atRequest: 1000)).all
  #expect(all.answers == 2000)
  #expect(all.errors == 0)
  let milliseconds: Double = 1e6
  #expect(Double(all.latency.maximum) >= 99 * milliseconds)
  let p99 = Double(all.latency.percentile(0.99))
  #expect(p99 >= 79 * milliseconds)
  #expect(Double(all.uncorrected.percentile(0.99)) < p99 / 2)
}

@Test func `a request without an answer is an error, and others go on`() throws {
  let server = try StallingServer(stall: nil, atRequest: 1000)
  let all = try load(server, timeout: 500_000_000).all
  #expect(all.answers == 1999)
  #expect(all.failures[Failure.timeout.rawValue] == 1)
  #expect(all.errors == 1)
}

@Test func `who cannot be reached ends the load before it begins`() throws {
  let server = try StallingServer(stall: nil, atRequest: 1)
  server.stop()
  var plan = LoadPlan(server: server.address, rate: 10)
  plan.server.port = 1
  plan.timeout = 200_000_000
  #expect(throws: (any Error).self) {
    var generator = try Generator(plan, mix)
    _ = try generator.run()
  }
}
