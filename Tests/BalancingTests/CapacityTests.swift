import Balancing
import Configuration
import Memory
import Testing

private func balancer(
  capacities: [Int], low: Int = 100, normal: Int = 100, backups: Set<Int> = [],
  ejection: EjectionRule? = nil
) -> Balancer {
  var plan = plan(weights: capacities.map { _ in 1 }, ejection: ejection)
  for (i, capacity) in capacities.enumerated() {
    plan.servers[i].capacity = capacity
    plan.servers[i].isBackup = backups.contains(i)
  }
  plan.shares.low = low
  plan.shares.normal = normal
  return Balancer([plan], cells: readyCells(capacities.count), worker: 0, workers: 1)
}

/// How many requests of a priority are taken before the pool is full.
private func fill(_ balancer: inout Balancer, _ priority: Priority) -> Int {
  var count = 0
  while let server = balancer.pick(pool: 0, priority: priority, now: 0) {
    guard balancer.begin(pool: 0, server: server, priority: priority) else { break }
    count += 1
  }
  return count
}

@Suite struct CapacityTests {
  @Test func aServerIsPickedUntilItIsFull() {
    var pool = balancer(capacities: [2, 3])
    let taken = fill(&pool, .normal)
    #expect(taken == 5)
    let isFull = pool.isFull(pool: 0, now: 0)
    #expect(isFull)
    pool.end(pool: 0, server: 1)
    let picked = pool.pick(pool: 0, now: 0)
    #expect(picked == 1)
  }

  @Test func theLastSlotIsTakenByOne() {
    let pool = balancer(capacities: [1])
    let first = pool.begin(pool: 0, server: 0)
    let second = pool.begin(pool: 0, server: 0)
    #expect(first && !second)
    pool.end(pool: 0, server: 0)
    let third = pool.begin(pool: 0, server: 0)
    #expect(third)
  }

  @Test func withoutCapacityNothingIsEverFull() {
    var pool = balancer(capacities: [0])
    for _ in 0..<1000 { pool.begin(pool: 0, server: 0) }
    let picked = pool.pick(pool: 0, now: 0)
    let isFull = pool.isFull(pool: 0, now: 0)
    #expect(picked == 0 && !isFull)
  }

  @Test func sharesKeepSlotsForTheMoreUrgent() {
    var pool = balancer(capacities: [8, 4], low: 50, normal: 75)
    let low = fill(&pool, .low)
    #expect(low == 4 + 2)
    let normal = fill(&pool, .normal)
    #expect(normal == 2 + 1)
    let high = fill(&pool, .high)
    #expect(high == 2 + 1)
  }

  @Test func theSmallestShareIsOneSlot() {
    var pool = balancer(capacities: [3], low: 1)
    let low = fill(&pool, .low)
    #expect(low == 1)
  }

  @Test func aFullServerIsNotWaitedForWhereAnotherIsFree() {
    var pool = balancer(capacities: [1, 0])
    pool.begin(pool: 0, server: 0)
    let picked = picks(4, from: &pool)
    #expect(picked == "bbbb")
  }

  @Test func backupsTakeWhatTheOthersHaveNoRoomFor() {
    var pool = balancer(capacities: [1, 1], backups: [1])
    let before = picks(2, from: &pool)
    pool.begin(pool: 0, server: 0)
    let after = picks(2, from: &pool)
    #expect(before == "aa" && after == "bb")
  }

  @Test func aFullServerIsWaitedForRatherThanAnEjectedOneTried() {
    let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 50)
    var pool = balancer(capacities: [1, 1], ejection: rule)
    _ = pool.failed(pool: 0, server: 1, now: 1)
    pool.begin(pool: 0, server: 0)
    let picked = pool.pick(pool: 0, now: 2)
    let isFull = pool.isFull(pool: 0, now: 2)
    #expect(picked == nil && isFull)
  }

  @Test func whatIsDownIsNotFull() {
    var pool = balancer(capacities: [1])
    pool.cells[0].setHealthy(false)
    let picked = pool.pick(pool: 0, now: 0)
    let isFull = pool.isFull(pool: 0, now: 0)
    #expect(picked == nil && !isFull)
  }
}

@Suite struct PoolCellTests {
  @Test func noMoreJoinThanMay() {
    let cell = PoolCell()
    let joined = (0..<3).map { _ in cell.join(limit: 2) }
    #expect(joined == [true, true, false])
    cell.leave()
    let left = cell.waiting
    let joinedAgain = cell.join(limit: 2)
    #expect(left == 1 && joinedAgain)
  }

  @Test func theMostUrgentIsCalledFirst() {
    let cell = PoolCell()
    var called = [cell.next()]
    cell.note(true, of: .low, worker: 0)
    cell.note(true, of: .normal, worker: 1)
    called.append(cell.next())
    cell.note(true, of: .high, worker: 2)
    called.append(cell.next())
    cell.note(false, of: .high, worker: 2)
    cell.note(false, of: .normal, worker: 1)
    called.append(cell.next())
    #expect(called == [nil, 1, 2, 0])
  }

  @Test func workersAreCalledInTurn() {
    let cell = PoolCell()
    for worker in [3, 0, 63] { cell.note(true, of: .normal, worker: worker) }
    let called = (0..<6).map { _ in cell.next() }
    #expect(called == [3, 63, 0, 3, 63, 0])
  }

  @Test(
    arguments: [
      (Priority.high, [true, false, false]), (.normal, [true, true, false]),
      (.low, [true, true, true]),
    ])
  func aNewRequestStandsBehindThoseThatAreAsUrgent(new: Priority, stands: [Bool]) {
    for (i, waiting) in Priority.allCases.enumerated() {
      let cell = PoolCell()
      cell.note(true, of: waiting, worker: 0)
      let isBehind = cell.isWaiting(before: new)
      #expect(isBehind == stands[i])
    }
  }
}
