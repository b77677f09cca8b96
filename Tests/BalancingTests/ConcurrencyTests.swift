import Balancing
import Memory
import Network
import Testing

@Test func `workers that eject at once keep to the share together`() async {
  let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 50)
  for _ in 0..<50 {
    let cells = readyCells(8)
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          let balancer = Balancer(
            [plan(weights: Array(repeating: 1, count: 8), ejection: rule)], cells: cells,
            worker: worker, workers: 4)
          for i in 0..<32 {
            _ = balancer.failed(pool: 0, server: (i + worker) % 8, now: 0)
          }
        }
      }
    }
    let out = (0..<8).filter { cells[$0].isEjected }.count
    #expect(out == 4)
  }
}

@Test func `requests in flight come to nothing when all have ended`() async {
  let cells = readyCells(1)
  await withTaskGroup(of: Void.self) { group in
    for worker in 0..<4 {
      group.addTask {
        let balancer = Balancer([plan(weights: [1])], cells: cells, worker: worker, workers: 4)
        for _ in 0..<10_000 {
          balancer.begin(pool: 0, server: 0)
          balancer.end(pool: 0, server: 0)
        }
      }
    }
  }
  let inFlight = cells[0].inFlight
  #expect(inFlight == 0)
}

@Test func `one request of all workers tries an ejected server`() async {
  let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 50)
  for _ in 0..<50 {
    let cells = readyCells(2)
    let first = Balancer(
      [plan(weights: [1, 1], ejection: rule)], cells: cells, worker: 0, workers: 4)
    _ = first.failed(pool: 0, server: 0, now: 0)
    let trials = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<4 {
        group.addTask {
          var balancer = Balancer(
            [plan(weights: [1, 1], ejection: rule)], cells: cells, worker: worker, workers: 4)
          return (0..<20).filter { _ in balancer.pick(pool: 0, now: second) == 0 }.count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(trials == 1)
  }
}

@Test func `that a server cannot be reached is told once a second by all workers together`() async {
  let cells = readyCells(1)
  for now in [1, 2, 2.5, 3] as [Double] {
    let told = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<4 {
        group.addTask {
          let balancer = Balancer([plan(weights: [1])], cells: cells, worker: worker, workers: 4)
          return (0..<20).filter { _ in
            balancer.isToComplain(pool: 0, server: 0, now: UInt64(now * 1e9))
          }.count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(told == (now == 2.5 ? 0 : 1))
  }
}

@Test func `an address that changes is never read half old and half new`() async {
  let cells = SharedTable(count: 1) { _ in ServerCell() }
  func address(_ i: UInt64) -> SocketAddress {
    SocketAddress(IPAddress(v6High: i + 1, low: i + 1), port: UInt16(truncatingIfNeeded: i + 1))
  }
  cells[0].setAddress(address(0))
  await withTaskGroup(of: Bool.self) { group in
    group.addTask {
      for i in 0..<20_000 as Range<UInt64> { cells[0].setAddress(address(i)) }
      return true
    }
    for _ in 0..<2 {
      group.addTask {
        for _ in 0..<20_000 {
          guard let read = cells[0].address else { continue }
          guard read == address(read.address.high - 1) else { return false }
        }
        return true
      }
    }
    let isWhole = await group.reduce(true) { $0 && $1 }
    #expect(isWhole)
  }
}
