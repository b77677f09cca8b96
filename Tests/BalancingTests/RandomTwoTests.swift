import Balancing
import Memory
import Testing

private func balancer(
  _ weights: [Int], _ cells: SharedTable<ServerCell>, seed: UInt64 = 1
) -> Balancer {
  Balancer([plan(weights: weights, .randomTwo)], cells: cells, worker: 0, workers: 1, seed: seed)
}

private func counts(_ picks: Int, of servers: Int, from balancer: inout Balancer) -> [Int] {
  var counts = Array(repeating: 0, count: servers)
  for _ in 0..<picks { counts[balancer.pick(pool: 0, now: 0) ?? 0] += 1 }
  return counts
}

@Test(arguments: [[1, 1, 1], [5, 3, 2], [1, 1], [7]])
func `where nobody has requests, draws are spread by weight`(weights: [Int]) {
  var balancer = balancer(weights, readyCells(weights.count))
  let total = weights.reduce(0, +)
  let counts = counts(1000 * total, of: weights.count, from: &balancer)
  for (count, weight) in zip(counts, weights) {
    #expect(abs(count - 1000 * weight) < 100 * weight, "\(counts)")
  }
}

@Test func `the server with the most requests for its weight loses every draw of two`() {
  let cells = readyCells(3)
  var balancer = balancer([1, 1, 2], cells)
  balancer.begin(pool: 0, server: 0)
  balancer.begin(pool: 0, server: 2)
  let counts = counts(1000, of: 3, from: &balancer)
  #expect(counts[0] == 0, "1 of 1 against 0 and 1 of 2")
  #expect(counts[1] > 0 && counts[2] > 0)
}

@Test func `many requests at once spread as two choices do`() {
  let cells = readyCells(100)
  var balancer = balancer(Array(repeating: 1, count: 100), cells)
  for _ in 0..<1000 {
    guard let server = balancer.pick(pool: 0, now: 0) else { continue }
    balancer.begin(pool: 0, server: server)
  }
  let most = (0..<100).map { cells[$0].inFlight }.max() ?? 0
  #expect(most <= 13, "10 each; one choice would give somebody 18 or more")
}

@Test func `of few servers that are up the draws find each, and of none none`() {
  let cells = readyCells(100)
  for i in 0..<100 where i != 17 && i != 90 { cells[i].setHealthy(false) }
  var balancer = balancer(Array(repeating: 1, count: 100), cells)
  let found = counts(100, of: 100, from: &balancer)
  #expect(found[17] > 20 && found[90] > 20 && found[17] + found[90] == 100)
  var tried = TriedServers()
  tried.insert(17)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == 90)
  cells[90].setHealthy(false)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == nil)
}

@Test func `the same seed draws the same, another one does not`() {
  let cells = readyCells(3)
  var one = balancer([1, 1, 1], cells, seed: 5)
  var same = balancer([1, 1, 1], cells, seed: 5)
  var other = balancer([1, 1, 1], cells, seed: 6)
  let drawn = picks(40, from: &one)
  #expect(drawn == picks(40, from: &same))
  #expect(drawn != picks(40, from: &other))
}
