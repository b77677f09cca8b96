import Balancing
import Configuration
import Memory
import Testing

/// Servers a, b … of which the last `backups` are backups.
private func backed(
  _ servers: Int, backups: Int, _ strategy: PoolPlan.Strategy = .roundRobin,
  ejection: EjectionRule? = nil
) -> PoolPlan {
  var plan = plan(weights: Array(repeating: 1, count: servers), strategy, ejection: ejection)
  for i in (servers - backups)..<servers { plan.servers[i].isBackup = true }
  return plan
}

private func balancer(_ plan: PoolPlan, _ cells: SharedTable<ServerCell>) -> Balancer {
  Balancer([plan], cells: cells, worker: 0, workers: 1)
}

@Test(arguments: [
  PoolPlan.Strategy.roundRobin, .leastRequests, .randomTwo, .leastTime,
])
func `a backup is picked only while no other server is up`(strategy: PoolPlan.Strategy) {
  let cells = readyCells(4)
  var balancer = balancer(backed(4, backups: 2, strategy), cells)
  #expect(Set(picks(40, from: &balancer)) == ["a", "b"])
  cells[0].setHealthy(false)
  #expect(picks(4, from: &balancer) == "bbbb")
  cells[1].setDraining(true)
  #expect(Set(picks(40, from: &balancer)) == ["c", "d"])
  cells[0].setHealthy(true)
  #expect(picks(4, from: &balancer) == "aaaa")
}

@Test func `a backup is tried when the others have been`() {
  let cells = readyCells(2)
  var balancer = balancer(backed(2, backups: 1), cells)
  var tried = TriedServers()
  tried.insert(0)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == 1)
  tried.insert(1)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == nil)
}

@Test func `a backup goes before an ejected server, and an ejected server before none`() {
  let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 50)
  let cells = readyCells(2)
  var balancer = balancer(backed(2, backups: 1, ejection: rule), cells)
  #expect(balancer.failed(pool: 0, server: 0, now: 0) == .ejected(duration: second, out: 1))
  #expect(picks(2, from: &balancer) == "bb")
  cells[1].setHealthy(false)
  #expect(picks(2, from: &balancer) == "aa")
  cells[1].setHealthy(true)
  #expect(picks(3, from: &balancer, now: second) == "abb", "one request tries it")
}

@Test func `a key leads to a backup only meanwhile, and so does a cookie`() {
  let cells = readyCells(4)
  var plan = backed(4, backups: 2)
  plan.keys = [.header("x-key")]
  var balancer = balancer(plan, cells)
  let keys = (0..<50).map { key("\($0)", in: balancer) }
  func homes(_ balancer: inout Balancer) -> [Int?] {
    var homes: [Int?] = []
    for key in keys { homes.append(balancer.pick(pool: 0, key: key, now: 0)) }
    return homes
  }
  let before = homes(&balancer)
  #expect(Set(before) == [0, 1])
  cells[0].setHealthy(false)
  cells[1].setHealthy(false)
  #expect(Set(homes(&balancer)) == [2, 3])
  cells[0].setHealthy(true)
  cells[1].setHealthy(true)
  #expect(homes(&balancer) == before)

  var sticky = backed(2, backups: 1)
  sticky.cookie = AffinityCookie()
  var keeper = Balancer([sticky], cells: cells, worker: 0, workers: 1)
  var output = ByteBuffer(capacity: 256)
  let fits = keeper.writeCookie(pool: 0, server: 1, isSecure: false, into: &output)
  #expect(fits)
  var value: [UInt8] = []
  for i in output.readable.indices {
    guard output.readable[i] != 0x3B else { break }
    value.append(output.readable[i])
  }
  var cookie = AffinityKey()
  keeper.observe(pool: 0, name: "cookie".utf8.span, value: value.span, key: &cookie)
  let isNamed = !Bool(keeper.needsCookie(pool: 0, server: 1, key: cookie))
  #expect(isNamed)
  #expect(keeper.pick(pool: 0, key: cookie, now: 0) == 0)
  cells[0].setHealthy(false)
  #expect(keeper.pick(pool: 0, key: cookie, now: 0) == 1)
}
