import Balancing
import Memory
import Testing

struct RetryCauseTests {
  struct Row: Sendable {
    let cause: RetryCause
    /// Of methods that may be sent again, and of others.
    let allows: (Bool, Bool)
    var costsBudget = false
    var costsTry = true
  }

  static let rows = [
    Row(cause: .unconnected, allows: (true, true)),
    Row(cause: .stale, allows: (true, false), costsTry: false),
    Row(cause: .broken, allows: (true, false)),
    Row(cause: .takenBack, allows: (true, false), costsTry: false),
    Row(cause: .absent, allows: (true, true)),
    Row(cause: .unreadable, allows: (true, false), costsBudget: true),
    Row(cause: .status, allows: (true, false), costsBudget: true),
    Row(cause: .tooSlow, allows: (true, false), costsBudget: true),
    Row(cause: .timedOut, allows: (false, false)),
  ]

  @Test(arguments: rows)
  func `only what no server can have seen is repeated whatever the method`(_ row: Row) {
    #expect(row.cause.allowsAnother(isIdempotent: true) == row.allows.0)
    #expect(row.cause.allowsAnother(isIdempotent: false) == row.allows.1)
  }

  @Test(arguments: rows)
  func `a budget pays for what made a living server work`(_ row: Row) {
    #expect(row.cause.costsBudget == row.costsBudget)
  }

  @Test(arguments: rows)
  func `a try is what the request has had, not what befell its server`(_ row: Row) {
    #expect(row.cause.costsTry == row.costsTry)
  }

  @Test func `every cause has its row`() {
    #expect(Self.rows.map(\.cause) == RetryCause.allCases)
  }
}

struct RetryBudgetTests {
  /// How many requests in a row may be repeated.
  private func spent(_ budget: inout RetryBudget, now: UInt64 = 0) -> Int {
    var count = 0
    while count < 1000, budget.spend(now: now) { count += 1 }
    return count
  }

  @Test func `a burst of ten may be repeated without any traffic`() {
    var budget = RetryBudget(percent: 20)
    #expect(spent(&budget) == 10)
  }

  @Test func `a fifth of the traffic may be repeated after the burst`() {
    var budget = RetryBudget(percent: 20)
    _ = spent(&budget)
    for _ in 0..<4 { budget.noteRequest() }
    #expect(spent(&budget) == 0)
    budget.noteRequest()
    #expect(spent(&budget) == 1)
  }

  @Test func `much traffic saves up no more than a burst`() {
    var budget = RetryBudget(percent: 100)
    for _ in 0..<10_000 { budget.noteRequest() }
    #expect(spent(&budget) == 10)
  }

  @Test func `one a second may be repeated whatever the traffic`() {
    var budget = RetryBudget(percent: 1)
    _ = spent(&budget, now: 100 * second)
    #expect(spent(&budget, now: 101 * second - 20_000_000) == 0)
    #expect(spent(&budget, now: 101 * second) == 1)
    #expect(spent(&budget, now: 104 * second) == 3)
  }

  @Test func `a long rest saves up no more than a burst`() {
    var budget = RetryBudget(percent: 20)
    _ = spent(&budget)
    #expect(spent(&budget, now: .max) == 10)
  }

  @Test func `a budget of nothing repeats nothing`() {
    var budget = RetryBudget(percent: 0)
    budget.noteRequest()
    #expect(spent(&budget, now: 100 * second) == 0)
  }
}

struct AlternativesTests {
  /// Whether a pool of two, of which the first was tried, has another.
  private func hasAnother(
    of cells: SharedTable<ServerCell>, after change: (borrowing Balancer) -> Void = { _ in }
  ) -> Bool {
    let rule = EjectionRule(failures: 1, window: second, duration: second, maxPercent: 100)
    let balancer = Balancer(
      [plan(weights: [1, 1], ejection: rule)], cells: cells, worker: 0, workers: 1)
    change(balancer)
    var tried = TriedServers()
    tried.insert(0)
    return balancer.hasAnother(pool: 0, tried: tried, now: 0)
  }

  @Test func `a server that is in is another`() {
    #expect(hasAnother(of: readyCells(2)))
  }

  @Test func `a server that is down is no other`() {
    let cells = readyCells(2)
    cells[1].setHealthy(false)
    #expect(!hasAnother(of: cells))
  }

  @Test func `a server that drains is no other`() {
    let cells = readyCells(2)
    cells[1].setDraining(true)
    #expect(!hasAnother(of: cells))
  }

  @Test func `a server that is ejected is no other`() {
    let isOther = hasAnother(of: readyCells(2)) { balancer in
      _ = balancer.failed(pool: 0, server: 1, now: 0)
    }
    #expect(!isOther)
  }
}
