import Balancing
import Memory
import Testing

@Test(arguments: [
  ([5, 1, 1], "aabacaa"),  // the example in nginx's own commit
  ([1, 1, 1], "abcabc"),
  ([3, 1], "aabaaaba"),
  ([1], "aaa"),
  ([2, 3], "babab"),
])
func `turns are smooth by weight, as in nginx`(weights: [Int], sequence: String) {
  var balancer = Balancer(
    [plan(weights: weights)], cells: readyCells(3), worker: 0, workers: 1)
  let got = picks(sequence.count, from: &balancer)
  #expect(got == sequence)
}

@Test(arguments: [[5, 1, 1], [1, 2, 3, 4], [7, 7], [10, 1, 1, 1, 1]])
func `every round has each server as often as it weighs`(weights: [Int]) {
  let total = weights.reduce(0, +)
  var balancer = Balancer(
    [plan(weights: weights)], cells: readyCells(weights.count), worker: 0, workers: 1)
  for _ in 0..<5 {
    var counts = Array(repeating: 0, count: weights.count)
    for _ in 0..<total { counts[balancer.pick(pool: 0, now: 0) ?? 0] += 1 }
    #expect(counts == weights)
  }
}

@Test func `those that are left share the turns of one that is out`() {
  let cells = readyCells(4)
  var balancer = Balancer([plan(weights: [2, 2, 2, 2])], cells: cells, worker: 0, workers: 1)
  #expect(picks(3, from: &balancer) == "abc")
  cells[3].setHealthy(false)
  #expect(picks(6, from: &balancer) == "abcabc")
  cells[3].setHealthy(true)
  cells[0].setHealthy(false)
  #expect(picks(6, from: &balancer) == "dbcdbc")
}

@Test func `a server that stands in for another has its own turn as well`() {
  var balancer = Balancer(
    [plan(weights: [1, 1])], cells: readyCells(2), worker: 0, workers: 1)
  #expect(picks(1, from: &balancer) == "a")
  var tried = TriedServers()
  tried.insert(0)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == 1)
  #expect(picks(3, from: &balancer) == "bab")
}

@Test func `workers begin at different places of the round`() {
  let cells = readyCells(3)
  var first = Balancer([plan(weights: [1, 1, 1])], cells: cells, worker: 0, workers: 3)
  var second = Balancer([plan(weights: [1, 1, 1])], cells: cells, worker: 1, workers: 3)
  var third = Balancer([plan(weights: [1, 1, 1])], cells: cells, worker: 2, workers: 3)
  #expect(picks(3, from: &first) == "abc")
  #expect(picks(3, from: &second) == "bca")
  #expect(picks(3, from: &third) == "cab")
}

@Test func `a server that is down, drains or has no address is not picked`() {
  let cells = readyCells(4)
  var balancer = Balancer([plan(weights: [1, 1, 1, 1])], cells: cells, worker: 0, workers: 1)
  cells[0].setHealthy(false)
  cells[1].setDraining(true)
  cells[2].setAddress(nil)
  #expect(picks(3, from: &balancer) == "ddd")
  cells[3].setHealthy(false)
  #expect(picks(1, from: &balancer) == "-")
  #expect(!Bool(balancer.isAvailable(pool: 0)))
  cells[1].setDraining(false)
  #expect(picks(2, from: &balancer) == "bb")
  #expect(Bool(balancer.isAvailable(pool: 0)))
}

@Test func `a server that was tried is not tried again`() {
  var balancer = Balancer(
    [plan(weights: [1, 1, 1])], cells: readyCells(3), worker: 0, workers: 1)
  var tried = TriedServers()
  var seen: Set<Int> = []
  while let server = balancer.pick(pool: 0, tried: tried, now: 0) {
    #expect(seen.insert(server).inserted)
    tried.insert(server)
  }
  #expect(seen == [0, 1, 2])
}

@Test func `as many servers as nobody has fit a pool, and tries end`() {
  var balancer = Balancer(
    [plan(weights: Array(repeating: 1, count: 300))], cells: readyCells(300), worker: 1, workers: 2)
  var tried = TriedServers()
  while let server = balancer.pick(pool: 0, tried: tried, now: 0) { tried.insert(server) }
  #expect(tried.count == TriedServers.limit)
}

@Test func `the fewest requests for the weight win, all workers counted`() {
  let cells = readyCells(3)
  var one = Balancer(
    [plan(weights: [1, 1, 2], .leastRequests)], cells: cells, worker: 0, workers: 1)
  let other = Balancer(
    [plan(weights: [1, 1, 2], .leastRequests)], cells: cells, worker: 0, workers: 1)
  other.begin(pool: 0, server: 0)
  other.begin(pool: 0, server: 2)
  #expect(picks(1, from: &one) == "b")
  other.begin(pool: 0, server: 1)
  #expect(picks(2, from: &one) == "cc", "1 of 2 is less than 1 of 1")
  other.end(pool: 0, server: 1)
  other.end(pool: 0, server: 0)
  other.end(pool: 0, server: 2)
  let inFlight = cells[0].inFlight + cells[1].inFlight + cells[2].inFlight
  #expect(inFlight == 0)
}

@Test func `those with equally few requests take turns by weight`() {
  let cells = readyCells(3)
  var balancer = Balancer(
    [plan(weights: [5, 1, 1], .leastRequests)], cells: cells, worker: 0, workers: 1)
  #expect(picks(7, from: &balancer) == "aabacaa")
}

@Test func `pools do not mix`() {
  var other = plan(weights: [1, 1])
  other.name = "realtime"
  other.servers[0].slot = 2
  other.servers[1].slot = 3
  let cells = readyCells(4)
  var balancer = Balancer(
    [plan(weights: [1, 1]), other], cells: cells, worker: 0, workers: 1)
  cells[2].setHealthy(false)
  let picked = [
    balancer.pick(pool: 1, now: 0), balancer.pick(pool: 0, now: 0), balancer.pick(pool: 1, now: 0),
    balancer.pick(pool: 0, now: 0),
  ]
  #expect(picked == [1, 0, 1, 1])
  let slot = balancer.slot(pool: 1, server: 1)
  #expect(slot == 3)
  #expect(balancer.address(pool: 1, server: 1)?.description == "10.0.0.3:8000")
}
