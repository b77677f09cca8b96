import Balancing
import Configuration
import Memory
import Testing

private func hashed(_ weights: [Int]) -> PoolPlan {
  var plan = plan(weights: weights)
  plan.keys = [.header("X-Key")]
  return plan
}

/// Where the keys 0 ..< count lead.
private func owners(_ count: Int, _ balancer: inout Balancer) -> [Int] {
  (0..<count).map { balancer.pick(pool: 0, key: key("key \($0)", in: balancer), now: 0) ?? -1 }
}

@Test(arguments: [[1, 1, 1, 1], [1, 2, 3, 4], [5, 1]])
func `keys spread by weight`(weights: [Int]) {
  var balancer = Balancer(
    [hashed(weights)], cells: readyCells(weights.count), worker: 0, workers: 1)
  let total = weights.reduce(0, +)
  var counts = Array(repeating: 0, count: weights.count)
  for owner in owners(20_000, &balancer) { counts[owner] += 1 }
  for (server, weight) in weights.enumerated() {
    let expected = Double(20_000 * weight) / Double(total)
    // Five standard deviations of a fair draw.
    #expect(abs(Double(counts[server]) - expected) < 5 * expected.squareRoot())
  }
}

@Test(arguments: [[1, 1, 1, 1, 1], [1, 2, 3, 4, 5]])
func `a server that leaves gives away its own keys only, and gets them back`(weights: [Int]) {
  let cells = readyCells(5)
  var balancer = Balancer([hashed(weights)], cells: cells, worker: 0, workers: 1)
  let before = owners(5000, &balancer)
  cells[2].setHealthy(false)
  let without = owners(5000, &balancer)
  cells[2].setHealthy(true)
  let after = owners(5000, &balancer)
  #expect(after == before)
  for (old, new) in zip(before, without) {
    guard old == 2 ? new == 2 : new != old else { continue }
    Issue.record("a key of \(old) went to \(new)")
  }
  // What it had is shared by all the others.
  let heirs = Set(zip(before, without).filter { $0.0 == 2 }.map(\.1))
  #expect(heirs == [0, 1, 3, 4])
}

@Test func `a heavier server takes keys over and gives none away`() {
  let cells = readyCells(3)
  var before = Balancer([hashed([2, 2, 2])], cells: cells, worker: 0, workers: 1)
  var after = Balancer([hashed([2, 3, 2])], cells: cells, worker: 0, workers: 1)
  for (old, new) in zip(owners(5000, &before), owners(5000, &after)) where old != new {
    guard new != 1 else { continue }
    Issue.record("a key of \(old) went to \(new)")
  }
}

@Test func `workers and replicas agree, whatever the order of the file`() {
  var reversed = hashed([1, 1, 1])
  reversed.servers.reverse()
  let cells = readyCells(3)
  var one = Balancer([hashed([1, 1, 1])], cells: cells, worker: 0, workers: 2)
  var other = Balancer([reversed], cells: cells, worker: 1, workers: 2)
  #expect(owners(1000, &one) == owners(1000, &other).map { 2 - $0 })
}

@Test func `a request without a key takes its turn`() {
  var balancer = Balancer([hashed([1, 1, 1])], cells: readyCells(3), worker: 0, workers: 1)
  #expect(picks(6, from: &balancer) == "abcabc")
}

@Test func `a key whose server was tried has a next one`() {
  var balancer = Balancer([hashed([1, 1, 1])], cells: readyCells(3), worker: 0, workers: 1)
  let wanted = key("k", in: balancer)
  var tried = TriedServers()
  var order: [Int] = []
  while let server = balancer.pick(pool: 0, key: wanted, tried: tried, now: 0) {
    order.append(server)
    tried.insert(server)
  }
  #expect(Set(order) == [0, 1, 2])
}

@Test func `hashes are the same in every process`() {
  // Were these to change, a rolling update would scatter every client.
  #expect(StableHash.of("") == 0x5CDF_6443_A533_6BB4)
  #expect(StableHash.of("a") == 0x50AA_D768_9F27_33FF)
  #expect(StableHash.of("merged-a:8000") == 0xA816_3DE9_A815_3CFF)
  #expect(StableHash.mixed(1, 2) == 0x68E4_BA33_203E_E6F3)
}

@Test func `one changed bit changes half of a hash`() {
  var random = RandomSource(seed: 7)
  var flipped = 0
  let rounds = 2000
  for _ in 0..<rounds {
    var bytes = (0..<Int(random.below(40)) + 1).map { _ in UInt8(truncatingIfNeeded: random.next())
    }
    let before = StableHash.of(bytes.span)
    bytes[Int(random.below(UInt64(bytes.count)))] ^= 1 << UInt8(random.below(8))
    flipped += (before ^ StableHash.of(bytes.span)).nonzeroBitCount
  }
  let mean = Double(flipped) / Double(rounds)
  #expect(mean > 31 && mean < 33)
}

@Test func `short keys that look alike do not collide`() {
  var seen: Set<UInt64> = []
  for i in 0..<100_000 { seen.insert(StableHash.of("\(i)")) }
  #expect(seen.count == 100_000)
}

@Test func `a seed gives the same numbers again, within bounds`() {
  var one = RandomSource(seed: 42)
  var other = RandomSource(seed: 42)
  var counts = Array(repeating: 0, count: 10)
  for _ in 0..<10_000 {
    let number = one.below(10)
    #expect(number == other.below(10))
    counts[Int(number)] += 1
  }
  #expect(counts.allSatisfy { $0 > 850 && $0 < 1150 })
}
