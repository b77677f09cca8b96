import Balancing
import Configuration
import Network
import Testing

private let start: UInt64 = 1000 * second

@Suite struct RequestLimiterTests {
  private let limiter = RequestLimiter()

  private func admits(_ key: UInt64, _ rule: RequestLimiter.Rule, at now: UInt64) -> Bool {
    guard limiter.admit(key, by: rule, now: now) == .admitted else { return false }
    limiter.release(key)
    return true
  }

  @Test func `a burst comes at once, and then one request as often as the rate says`() {
    let rule = RequestLimiter.Rule(requests: 10, burst: 3)
    for _ in 0..<3 { #expect(admits(7, rule, at: start)) }
    #expect(limiter.admit(7, by: rule, now: start) == .refused(after: second / 10))
    #expect(
      limiter.admit(7, by: rule, now: start + second / 20) == .refused(after: second / 20))
    #expect(admits(7, rule, at: start + second / 10))
    #expect(!admits(7, rule, at: start + second / 10))
    #expect(admits(8, rule, at: start), "another key has a bucket of its own")
  }

  @Test func `a pause fills the bucket, and no more than that`() {
    let rule = RequestLimiter.Rule(requests: 60, seconds: 60, burst: 2)
    for _ in 0..<2 { #expect(admits(7, rule, at: start)) }
    let later = start + 1000 * second
    for _ in 0..<2 { #expect(admits(7, rule, at: later)) }
    #expect(!admits(7, rule, at: later))
  }

  @Test func `who is refused spends nothing`() {
    let rule = RequestLimiter.Rule(requests: 1, burst: 1)
    #expect(admits(7, rule, at: start))
    for i in 1...9 { #expect(!admits(7, rule, at: start + UInt64(i) * second / 10)) }
    #expect(admits(7, rule, at: start + second))
  }

  @Test func `as many are under way as may, and another when one has ended`() {
    let rule = RequestLimiter.Rule(requests: nil, inFlight: 2)
    for _ in 0..<2 { #expect(limiter.admit(7, by: rule, now: start) == .admitted) }
    #expect(limiter.admit(7, by: rule, now: start) == .refused(after: 0))
    limiter.release(7)
    #expect(limiter.admit(7, by: rule, now: start) == .admitted)
    #expect(limiter.admit(7, by: rule, now: start) == .refused(after: 0))
  }

  @Test func `what has not been after all leaves no trace`() {
    let rule = RequestLimiter.Rule(requests: 1, burst: 1)
    #expect(limiter.admit(7, by: rule, now: start) == .admitted)
    limiter.release(7, undoing: rule)
    #expect(admits(7, rule, at: start))
  }

  @Test func `invented keys put out nobody who is counted`() {
    let limiter = RequestLimiter(places: 16, shards: 1)
    let rule = RequestLimiter.Rule(requests: 1, burst: 1, inFlight: 1)
    #expect(limiter.admit(1, by: rule, now: start) == .admitted)
    var unknown = 0
    for key in 2...1000 as ClosedRange<UInt64> {
      if limiter.admit(key, by: rule, now: start) == .unknown { unknown += 1 }
    }
    #expect(unknown == 999 - 15, "the table does not grow")
    #expect(limiter.admit(1, by: rule, now: start) == .refused(after: 0))
    limiter.release(1)
    #expect(limiter.admit(1, by: rule, now: start) == .refused(after: second))
  }

  @Test func `a bucket that is full again makes room for another key`() {
    let limiter = RequestLimiter(places: 16, shards: 1)
    let rule = RequestLimiter.Rule(requests: 1, burst: 1)
    for key in 1...16 as ClosedRange<UInt64> {
      #expect(limiter.admit(key, by: rule, now: start) == .admitted)
      limiter.release(key)
    }
    #expect(limiter.admit(17, by: rule, now: start) == .unknown)
    #expect(limiter.admit(17, by: rule, now: start + second) == .admitted)
  }
}

@Suite struct LimitPlanTests {
  private let limiter = RequestLimiter()

  private func limit(_ key: HashKey, rate: Int? = 1, burst: Int = 1, inFlight: Int = 0)
    -> RequestLimit
  {
    var limit = RequestLimit()
    limit.key = key
    limit.rate = rate.map { RequestRate($0, per: .minute) }
    limit.burst = burst
    limit.inFlight = inFlight
    return limit
  }

  /// Whether a request is admitted; it ends at once.
  private func admits(
    _ plan: LimitPlan, address: IPAddress = .loopbackV4, _ fields: [(String, String)] = []
  ) -> Bool {
    var request = LimitedRequest()
    for (name, value) in fields {
      plan.observe(name: name.utf8.span, value: value.utf8.span, by: &request)
    }
    plan.observe(address, by: &request)
    var (held, refusedFor) = plan.admit(request, by: limiter, now: start)
    held.release(by: limiter)
    return refusedFor == nil
  }

  @Test func `an address has a limit of its own, an IPv6 one by its network`() {
    let plan = LimitPlan([limit(.address)], route: "a")
    #expect(admits(plan, address: IPAddress(v4: 192, 0, 2, 1)))
    #expect(!admits(plan, address: IPAddress(v4: 192, 0, 2, 1)))
    #expect(admits(plan, address: IPAddress(v4: 192, 0, 2, 2)))
    let network: UInt64 = 0x2001_0db8_0000_0001
    #expect(admits(plan, address: IPAddress(v6High: network, low: 1)))
    #expect(!admits(plan, address: IPAddress(v6High: network, low: 2)))
    #expect(admits(plan, address: IPAddress(v6High: network + 1, low: 1)))
  }

  @Test func `a header and a cookie are counted by their values, whose absence is not limited`() {
    let plan = LimitPlan([limit(.header("X-Key")), limit(.cookie("sid"))], route: "a")
    #expect(plan.asksForFields)
    for _ in 0..<9 { #expect(admits(plan)) }
    #expect(admits(plan, [("x-key", "1")]))
    #expect(!admits(plan, [("x-key", "1")]))
    #expect(admits(plan, [("X-Key", "2"), ("Cookie", "a=b; sid=x")]))
    #expect(!admits(plan, [("Cookie", "sid=x")]))
    #expect(admits(plan, [("Cookie", "sid=y")]))
  }

  @Test func `a request that one limit refuses is counted by no other`() {
    let plan = LimitPlan([limit(.address, burst: 2), limit(.header("X-Key"))], route: "a")
    #expect(admits(plan, [("X-Key", "1")]))
    for _ in 0..<9 { #expect(!admits(plan, [("X-Key", "1")])) }
    #expect(admits(plan, [("X-Key", "2")]), "the address has one left")
    #expect(!admits(plan, [("X-Key", "3")]))
  }

  @Test func `a reload forgives nobody, and another route knows nothing of it`() {
    let limits = [limit(.address)]
    #expect(admits(LimitPlan(limits, route: "a")))
    #expect(!admits(LimitPlan(limits, route: "a")))
    #expect(admits(LimitPlan(limits, route: "b")))
  }

  @Test func `without a burst as many come at once as in a second`() {
    var perSecond = RequestLimit()
    perSecond.rate = RequestRate(5, per: .second)
    let plan = LimitPlan([perSecond], route: "a")
    for _ in 0..<5 { #expect(admits(plan)) }
    #expect(!admits(plan))
  }
}
