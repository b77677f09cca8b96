import Balancing
import Configuration
import Memory
import Testing

/// Servers that are all down, in a pool that tries them then.
private func balancer(
  _ cells: SharedTable<ServerCell>, weights: [Int] = [1, 1], capacity: Int = 0, tries: Bool = true
) -> Balancer {
  var plan = plan(weights: weights)
  plan.triesServersThatAreDown = tries
  for i in weights.indices {
    plan.servers[i].capacity = capacity
    cells[i].setHealthy(false)
  }
  return Balancer([plan], cells: cells, worker: 0, workers: 1)
}

@Test func `servers that are all down are refused unless the pool says try`() {
  var failing = balancer(readyCells(2), tries: false)
  #expect(picks(2, from: &failing) == "--")
  var trying = balancer(readyCells(2), weights: [2, 1])
  #expect(picks(6, from: &trying) == "abaaba", "by the strategy, as if they were up")
}

@Test func `one server that is up has everything, also when a request has tried it`() {
  let cells = readyCells(2)
  var balancer = balancer(cells)
  cells[0].setHealthy(true)
  #expect(picks(3, from: &balancer) == "aaa")
  var tried = TriedServers()
  tried.insert(0)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == nil)
}

@Test func `servers without an address, and such that are drained, are not tried`() {
  let cells = readyCells(3)
  var balancer = balancer(cells, weights: [1, 1, 1])
  cells[0].setDraining(true)
  cells[1].setAddress(nil)
  #expect(picks(3, from: &balancer) == "ccc")
  cells[2].setDraining(true)
  #expect(picks(1, from: &balancer) == "-")
}

@Test func `a retry goes to another server that is down`() {
  var balancer = balancer(readyCells(2))
  var tried = TriedServers()
  tried.insert(0)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == 1)
  tried.insert(1)
  #expect(balancer.pick(pool: 0, tried: tried, now: 0) == nil)
}

@Test func `servers that are down have a capacity, too`() {
  var balancer = balancer(readyCells(2), capacity: 1)
  for server in 0..<2 {
    #expect(balancer.pick(pool: 0, now: 0) == server)
    balancer.begin(pool: 0, server: server)
  }
  #expect(balancer.pick(pool: 0, now: 0) == nil)
  let isFull = balancer.isFull(pool: 0, now: 0)
  #expect(isFull, "they are waited for")
}
