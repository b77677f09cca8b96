import CAllocations

/// A small piece of work that is done again and again on one thread.
struct Benchmark {
  let name: String
  /// Makes what is worked on, and gives the work: so many operations, and a number that comes of
  /// each of them, so that no compiler leaves one out.
  let prepare: () -> (Int) -> Int

  init(_ name: String, _ prepare: @escaping () -> (Int) -> Int) {
    self.name = name
    self.prepare = prepare
  }

  struct Cost {
    /// Of one operation, in nanoseconds.
    var time: Double
    /// How often one operation asks for memory.
    var allocations: Double
  }

  static let rounds = 200
  /// Long enough for the clock, and shorter than what a scheduler gives at a time: some rounds are
  /// left alone by others.
  static let round = Duration.milliseconds(1)

  func measure() -> Cost {
    let work = prepare()
    let single = work(1)
    precondition(single != 0, "\(name): nothing comes of it")
    var count = 1
    while best(of: 5, work, count, single).time < Benchmark.round { count *= 2 }
    let best = best(of: Benchmark.rounds, work, count, single)
    let time = best.time / .nanoseconds(1) / Double(count)
    precondition(time > 0.3, "\(name): less than a cycle of any processor is no work")
    return Cost(time: time, allocations: Double(best.allocations) / Double(count))
  }

  /// Whatever disturbs a round makes it dearer.
  private func best(
    of rounds: Int, _ work: (Int) -> Int, _ count: Int, _ single: Int
  ) -> (time: Duration, allocations: UInt64) {
    var best = elapsed(work, count, single)
    for _ in 1..<rounds {
      let next = elapsed(work, count, single)
      best.time = min(best.time, next.time)
      best.allocations = min(best.allocations, next.allocations)
    }
    return best
  }

  private func elapsed(
    _ work: (Int) -> Int, _ count: Int, _ single: Int
  ) -> (time: Duration, allocations: UInt64) {
    var sum = 0
    let before = callocations_count()
    let time = ContinuousClock().measure { sum = work(count) }
    let allocations = callocations_count() - before
    precondition(sum == single * count, "\(name): an operation was left out")
    return (time, allocations)
  }
}
