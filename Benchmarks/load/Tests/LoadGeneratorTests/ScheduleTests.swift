import LoadGenerator
import Testing

private func gaps(_ arrivals: Arrivals, seed: UInt64, count: Int = 20_000) -> [Double] {
  var schedule = Schedule(from: 1_000_000, rate: 1000, arrivals: arrivals, seed: seed)
  var last: UInt64 = 1_000_000
  return (0..<count).map { _ in
    defer {
      last = schedule.next
      schedule.moveOn()
    }
    return Double(schedule.next - last)
  }
}

@Test func `uniform arrivals are a millisecond apart at 1,000 in a second`() {
  #expect(gaps(.uniform, seed: 1).allSatisfy { abs($0 - 1e6) <= 1 })
}

@Test func `poisson arrivals have the rate asked for and as much spread as mean`() {
  let gaps = gaps(.poisson, seed: 1)
  let mean = gaps.reduce(0, +) / Double(gaps.count)
  let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
  // Three standard errors and more; the seed is fixed, so this does not depend on luck.
  #expect(abs(mean - 1e6) < 0.025e6)
  #expect(abs(variance.squareRoot() - 1e6) < 0.05e6)
}

@Test func `a seed determines when requests are sent`() {
  #expect(gaps(.poisson, seed: 5, count: 100) == gaps(.poisson, seed: 5, count: 100))
  #expect(gaps(.poisson, seed: 5, count: 100) != gaps(.poisson, seed: 6, count: 100))
}
