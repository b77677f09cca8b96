import Balancing
import Configuration
import Memory
import Testing

private let start = 1000 * second

/// Servers of which the last has come up at `start`, in a pool with a slow start of 60 s.
private func balancer(
  _ weights: [Int], _ cells: SharedTable<ServerCell>, _ strategy: PoolPlan.Strategy = .roundRobin,
  ejection: EjectionRule? = nil
) -> Balancer {
  var plan = plan(weights: weights, strategy, ejection: ejection)
  plan.slowStart = 60 * second
  cells[weights.count - 1].setHealthy(false)
  cells[weights.count - 1].setHealthy(true, at: start)
  return Balancer([plan], cells: cells, worker: 0, workers: 1, seed: 1)
}

/// How many of a thousand requests the last server gets.
private func share(_ balancer: inout Balancer, of servers: Int, after time: UInt64) -> Int {
  (0..<1000).reduce(0) { sum, _ in
    sum + (balancer.pick(pool: 0, now: start + time) == servers - 1 ? 1 : 0)
  }
}

@Test(arguments: [(0, 59), (15, 229), (30, 347), (45, 434), (60, 500), (600, 500)])
func `the share of a server grows in a straight line`(seconds: UInt64, expected: Int) {
  var balancer = balancer([1, 1], readyCells(2))
  let got = share(&balancer, of: 2, after: seconds * second)
  #expect(abs(got - expected) <= 2, "w of 1 + w, w from 1/16 to 1; got \(got)")
}

@Test(arguments: [PoolPlan.Strategy.leastRequests, .randomTwo])
func `other strategies heed it too`(strategy: PoolPlan.Strategy) {
  var balancer = balancer([2, 1, 1], readyCells(3), strategy)
  let early = share(&balancer, of: 3, after: 0)
  #expect(early < 60, "\(early)")
  let late = share(&balancer, of: 3, after: 60 * second)
  #expect((200...300).contains(late), "\(late)")
}

@Test func `a server on its slow start may have its part of the requests in flight`() {
  let cells = readyCells(2)
  var balancer = balancer([1, 1], cells, .leastRequests)
  for _ in 0..<32 {
    guard let server = balancer.pick(pool: 0, now: start + 30 * second) else { continue }
    balancer.begin(pool: 0, server: server)
  }
  let counts = [cells[0].inFlight, cells[1].inFlight]
  #expect(counts == [21, 11], "1 to 17/32")
}

@Test func `by time, a server on its slow start counts as slower`() {
  let cells = readyCells(2)
  var balancer = balancer([1, 1], cells, .leastTime)
  balancer.began(pool: 0, server: 0, after: second, now: start)
  balancer.began(pool: 0, server: 1, after: second / 10, now: start)
  #expect(picks(3, from: &balancer, now: start) == "aaa", "a tenth of the time at 1/16")
  #expect(picks(3, from: &balancer, now: start + 30 * second) == "bbb")
}

@Test func `the end of an ejection is a start`() {
  let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 50)
  let cells = readyCells(2)
  var balancer = balancer([1, 1], cells, ejection: rule)
  let now = start + 100 * second
  #expect(balancer.failed(pool: 0, server: 1, now: now - second) != nil)
  #expect(balancer.succeeded(pool: 0, server: 1, now: now) == .readmitted)
  let early = share(&balancer, of: 2, after: 100 * second)
  #expect(early < 65, "\(early)")
  let late = share(&balancer, of: 2, after: 160 * second)
  #expect(late == 500)
}

@Test func `the only server that is up has everything at once, and a key leads to its own`() {
  let cells = readyCells(2)
  var alone = balancer([1, 1], cells)
  cells[0].setHealthy(false)
  #expect(picks(4, from: &alone, now: start) == "bbbb")
  cells[0].setHealthy(true)

  var plan = plan(weights: [1, 1])
  plan.keys = [.header("x-key")]
  var plain = Balancer([plan], cells: cells, worker: 0, workers: 1)
  plan.slowStart = 60 * second
  var slow = Balancer([plan], cells: cells, worker: 0, workers: 1)
  for i in 0..<100 {
    let key = key("\(i)", in: slow)
    let home = plain.pick(pool: 0, key: key, now: start)
    #expect(slow.pick(pool: 0, key: key, now: start) == home)
  }
}

@Test func `without a slow start, and for servers that nobody saw come up, weights are whole`() {
  let cells = readyCells(2)
  cells[1].setHealthy(false)
  cells[1].setHealthy(true, at: start)
  var none = Balancer([plan(weights: [1, 1])], cells: cells, worker: 0, workers: 1)
  #expect(picks(4, from: &none, now: start) == "abab")
  var plan = plan(weights: [2, 1])
  plan.slowStart = 60 * second
  var unseen = Balancer([plan], cells: readyCells(2), worker: 0, workers: 1)
  #expect(picks(6, from: &unseen, now: second) == "abaaba")
}
