import Balancing
import Configuration
import Memory
import Network
import Testing

private let rule = EjectionRule(
  failures: 3, window: 10 * second, duration: 10 * second, maxPercent: 50)

private func balancer(
  _ servers: Int, _ cells: SharedTable<ServerCell>, _ rule: EjectionRule = rule
) -> Balancer {
  Balancer(
    [plan(weights: Array(repeating: 1, count: servers), ejection: rule)], cells: cells, worker: 0,
    workers: 1)
}

/// Fails the server so often; the last outcome.
private func fail(
  _ server: Int, _ times: Int, _ balancer: borrowing Balancer, at now: UInt64
) -> Balancer.Change? {
  var change: Balancer.Change?
  for _ in 0..<times { change = balancer.failed(pool: 0, server: server, now: now) }
  return change
}

@Test func `failures in a row eject, and neither fewer nor such with a success between`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  #expect(fail(0, 2, balancer, at: 0) == nil)
  #expect(balancer.succeeded(pool: 0, server: 0, now: 0) == nil)
  #expect(fail(0, 2, balancer, at: 0) == nil)
  #expect(picks(2, from: &balancer) == "ab")
  #expect(fail(0, 1, balancer, at: 0) == .ejected(duration: 10 * second, out: 1))
  #expect(picks(3, from: &balancer) == "bbb")
}

@Test func `failures further apart than the window do not add up`() {
  let cells = readyCells(2)
  let balancer = balancer(2, cells)
  #expect(fail(0, 2, balancer, at: 0) == nil)
  #expect(fail(0, 2, balancer, at: 11 * second) == nil, "the first two are forgotten")
  #expect(
    fail(0, 1, balancer, at: 21 * second) == .ejected(duration: 10 * second, out: 1),
    "ten seconds after the first of these three")
}

@Test func `when its time is over, one request at a time tries an ejected server`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  #expect(picks(4, from: &balancer, now: 10 * second - 1) == "bbbb")
  let trial = picks(4, from: &balancer, now: 10 * second)
  #expect(trial.filter { $0 == "a" }.count == 1)
  #expect(picks(4, from: &balancer, now: 19 * second) == "bbbb", "the one has not ended")
  let next = picks(4, from: &balancer, now: 20 * second)
  #expect(next.filter { $0 == "a" }.count == 1, "it never will: another one")

  #expect(balancer.succeeded(pool: 0, server: 0, now: 20 * second) == .readmitted)
  let after = picks(4, from: &balancer, now: 20 * second)
  #expect(after == "abab" || after == "baba")
  #expect(balancer.succeeded(pool: 0, server: 0, now: 20 * second) == nil, "told once")
}

@Test func `a failed trial ejects for twice as long, up to a limit`() {
  let cells = readyCells(2)
  let balancer = balancer(2, cells)
  var now: UInt64 = 0
  var change = fail(0, 3, balancer, at: now)
  for duration in [10, 20, 40, 80, 80, 80] as [UInt64] {
    #expect(change == .ejected(duration: duration * second, out: 1))
    now += duration * second
    change = fail(0, 1, balancer, at: now)
  }
}

@Test func `an ejection soon after another is longer, one much later is not`() {
  let cells = readyCells(2)
  let balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  #expect(balancer.succeeded(pool: 0, server: 0, now: 10 * second) == .readmitted)
  #expect(fail(0, 3, balancer, at: 15 * second) == .ejected(duration: 20 * second, out: 1))
  #expect(balancer.succeeded(pool: 0, server: 0, now: 35 * second) == .readmitted)
  #expect(fail(0, 3, balancer, at: 60 * second) == .ejected(duration: 10 * second, out: 1))
}

@Test func `what ended before the time is over changes nothing`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  #expect(balancer.succeeded(pool: 0, server: 0, now: second) == nil)
  #expect(fail(0, 5, balancer, at: second) == nil)
  #expect(picks(2, from: &balancer, now: second) == "bb")
}

struct CapRow: Sendable, CustomTestStringConvertible {
  let servers: Int
  let percent: Int
  let limit: Int

  init(_ servers: Int, _ percent: Int, _ limit: Int) {
    self.servers = servers
    self.percent = percent
    self.limit = limit
  }

  var testDescription: String { "\(percent) % of \(servers) is \(limit)" }
}

@Test(arguments: [
  CapRow(1, 100, 0), CapRow(2, 50, 1), CapRow(2, 100, 1), CapRow(2, 49, 0), CapRow(3, 50, 1),
  CapRow(3, 67, 2), CapRow(10, 50, 5), CapRow(10, 100, 9), CapRow(10, 0, 0),
])
func `no more than the share of a pool is out, and never the last`(_ row: CapRow) {
  var rule = rule
  rule.maxPercent = row.percent
  #expect(rule.limit(ofServers: row.servers) == row.limit)
  let cells = readyCells(row.servers)
  let balancer = balancer(row.servers, cells, rule)
  for server in 0..<row.servers { _ = fail(server, 10, balancer, at: 0) }
  let out = (0..<row.servers).filter { cells[$0].isEjected }
  #expect(out.count == row.limit)
}

@Test func `a server is not ejected when all others are down`() {
  let cells = readyCells(3)
  var balancer = balancer(3, cells)
  cells[1].setHealthy(false)
  cells[2].setHealthy(false)
  #expect(fail(0, 10, balancer, at: 0) == nil)
  #expect(picks(2, from: &balancer) == "aa")
}

@Test func `when all that is left is ejected, ejection does not count`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  cells[1].setHealthy(false)
  #expect(picks(2, from: &balancer) == "aa")
  cells[1].setHealthy(true)
  #expect(picks(2, from: &balancer) == "bb")
  var tried = TriedServers()
  tried.insert(1)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == 0, "for a second try, too")
  cells[0].setHealthy(false)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == nil, "but down is down")
}

@Test func `a server that went down and came up again is not ejected any more`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  cells[0].setHealthy(true)
  #expect(picks(2, from: &balancer) == "bb", "one more good check is no coming up")
  cells[0].setHealthy(false)
  cells[0].setHealthy(true)
  let after = picks(4, from: &balancer)
  #expect(after.filter { $0 == "a" }.count == 2)
}

@Test func `a server that moves to another address leaves its ejection behind`() {
  let cells = readyCells(2)
  var balancer = balancer(2, cells)
  _ = fail(0, 3, balancer, at: 0)
  cells[0].setAddress(nil)
  #expect(picks(2, from: &balancer) == "bb")
  cells[0].setAddress(SocketAddress(IPAddress(v4: 10, 0, 0, 9), port: 8000))
  let after = picks(4, from: &balancer)
  #expect(after.filter { $0 == "a" }.count == 2)
}

@Test func `without a rule nothing ejects`() {
  let cells = readyCells(2)
  var balancer = Balancer([plan(weights: [1, 1])], cells: cells, worker: 0, workers: 1)
  #expect(fail(0, 100, balancer, at: 0) == nil)
  #expect(picks(2, from: &balancer) == "ab")
}

@Test func `a rule is what the configuration says`() {
  #expect(
    EjectionRule(Ejection())
      == EjectionRule(
        failures: 5, window: 10 * second, duration: 10 * second, maxPercent: 50))
}

@Test(arguments: 0..<16 as Range<UInt64>)
func `whatever happens, the pool keeps its share and somebody to pick`(seed: UInt64) {
  var random = RandomSource(seed: seed)
  let count = 2 + Int(random.below(8))
  let cells = readyCells(count)
  var rule = rule
  rule.maxPercent = Int(random.below(101))
  var balancer = balancer(count, cells, rule)
  var now: UInt64 = 0
  for _ in 0..<3000 {
    now += random.below(second)
    guard let server = balancer.pick(pool: 0, now: now) else {
      Issue.record("nobody to pick")
      return
    }
    _ =
      random.below(3) == 0
      ? balancer.succeeded(pool: 0, server: server, now: now)
      : balancer.failed(pool: 0, server: server, now: now)
    let out = (0..<count).filter { cells[$0].isEjected }.count
    guard out > rule.limit(ofServers: count) else { continue }
    Issue.record("\(out) of \(count) are out at \(rule.maxPercent) %")
  }
}
