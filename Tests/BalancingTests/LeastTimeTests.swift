import Memory
import Testing

@testable import Balancing

private let millisecond: UInt64 = 1_000_000

private func timed(_ weights: [Int], _ cells: SharedTable<ServerCell>) -> Balancer {
  Balancer([plan(weights: weights, .leastTime)], cells: cells, worker: 0, workers: 1, seed: 1)
}

/// Asks one request after the other, each server answering in its time; how often each was asked.
private func ask(
  _ requests: Int, _ balancer: inout Balancer, times: [UInt64], from now: inout UInt64
) -> [Int] {
  var counts = Array(repeating: 0, count: times.count)
  for _ in 0..<requests {
    guard let server = balancer.pick(pool: 0, now: now) else { continue }
    counts[server] += 1
    balancer.begin(pool: 0, server: server)
    now += times[server]
    balancer.began(pool: 0, server: server, after: times[server], now: now)
    balancer.end(pool: 0, server: server)
  }
  return counts
}

@Test func `an answer time takes peaks at once and loses half in each half-life`() {
  var time = AnswerTime()
  #expect(time.estimate(at: 0) == .unknown)
  time = time.adding(100 * millisecond, at: second)
  #expect(time.estimate(at: second) == .microseconds(100_000))
  #expect(time.estimate(at: 6 * second) == .microseconds(50_000))
  #expect(time.estimate(at: 11 * second) == .microseconds(25_000))
  #expect(time.estimate(at: 500 * second) == .microseconds(0), "faded, yet not unknown")
  #expect(time.estimate(at: 0) == .microseconds(100_000), "a clock behind changes nothing")
  time = time.adding(200 * millisecond, at: second)
  #expect(time.estimate(at: second) == .microseconds(200_000))
  time = time.adding(100 * millisecond, at: 6 * second)
  #expect(time.estimate(at: 6 * second) == .microseconds(150_000))
}

@Test(arguments: [1, 50, 1000] as [UInt64])
func `fast answers draw the average down however close they come`(microseconds: UInt64) {
  var time = AnswerTime().adding(100 * millisecond, at: 0)
  var now: UInt64 = 0
  while now < 200 * second {
    now += millisecond
    time = time.adding(microseconds * 1000, at: now)
  }
  #expect(time.estimate(at: now) == .microseconds(UInt32(microseconds)))
}

@Test func `a moment that wraps around is a moment all the same`() {
  let edge = UInt64(UInt32.max) * millisecond
  let time = AnswerTime().adding(100 * millisecond, at: edge)
  #expect(time.estimate(at: edge + 5 * second) == .microseconds(50_000))
}

@Test func `a server that becomes slow gets little, and its share when it is fast again`() {
  let cells = readyCells(3)
  var balancer = timed([1, 1, 1], cells)
  var now: UInt64 = 0
  let even = ask(3000, &balancer, times: [10, 10, 10].map { $0 * millisecond }, from: &now)
  #expect(even.allSatisfy { $0 > 300 }, "\(even)")
  let slow = ask(3000, &balancer, times: [10, 1000, 10].map { $0 * millisecond }, from: &now)
  #expect(slow[1] <= 3, "one that shows it, and one in each half a minute: \(slow)")
  let after = ask(10_000, &balancer, times: [10, 10, 10].map { $0 * millisecond }, from: &now)
  #expect(after[1] > 1000, "\(after)")
}

@Test func `requests in flight count against a server, its weight for it`() {
  let cells = readyCells(3)
  var balancer = timed([1, 1, 2], cells)
  for server in 0..<3 {
    balancer.began(pool: 0, server: server, after: 10 * millisecond, now: 0)
  }
  #expect(picks(3, from: &balancer) == "ccc")
  balancer.begin(pool: 0, server: 2)
  balancer.begin(pool: 0, server: 2)
  balancer.begin(pool: 0, server: 0)
  #expect(picks(3, from: &balancer) == "bbb", "10 ms against 20 and 15")
}

@Test func `a server that is not known is tried by one request at a time`() {
  let cells = readyCells(3)
  var balancer = timed([1, 1, 1], cells)
  balancer.began(pool: 0, server: 0, after: 100 * millisecond, now: 0)
  balancer.began(pool: 0, server: 1, after: 100 * millisecond, now: 0)
  #expect(picks(1, from: &balancer) == "c")
  balancer.begin(pool: 0, server: 2)
  for _ in 0..<10 { balancer.begin(pool: 0, server: 0) }
  #expect(picks(5, from: &balancer) == "bbbbb")
  balancer.began(pool: 0, server: 2, after: 10 * millisecond, now: 0)
  #expect(picks(2, from: &balancer) == "cc")
  cells[2].setHealthy(false)
  cells[2].setHealthy(true)
  balancer.end(pool: 0, server: 2)
  #expect(picks(1, from: &balancer) == "c", "up again, it is another one")
}

@Test func `equal servers are picked equally often, the only one always`() {
  var balancer = timed([1, 1, 1, 1], readyCells(4))
  var counts = [0, 0, 0, 0]
  for _ in 0..<4000 { counts[balancer.pick(pool: 0, now: 0) ?? 0] += 1 }
  #expect(counts.allSatisfy { (900...1100).contains($0) }, "\(counts)")

  let cells = readyCells(2)
  cells[0].setHealthy(false)
  var pair = timed([1, 1], cells)
  #expect(picks(3, from: &pair) == "bbb")
  cells[1].setHealthy(false)
  #expect(picks(1, from: &pair) == "-")
}
