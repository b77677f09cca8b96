import CLibraries
import Network
import Reactor
import Synchronization
import Testing

@testable import Operations

private let second: Instant = 1_000_000_000

@Suite struct NameScheduleTests {
  @Test func `a name is due at once and then when its lifetime has passed`() {
    var schedule = NameSchedule()
    schedule.track(["a"], now: 100 * second)
    #expect(schedule.nextDue == 100 * second)
    #expect(schedule.takeDue(now: 100 * second) == ["a"])
    #expect(schedule.takeDue(now: 100 * second) == [], "one question at a time")
    #expect(schedule.nextDue == nil)
    schedule.answered("a", lifetime: .seconds(30), now: 101 * second)
    #expect(schedule.nextDue == 131 * second)
    #expect(schedule.takeDue(now: 131 * second - 1) == [])
    #expect(schedule.takeDue(now: 131 * second) == ["a"])
  }

  @Test(arguments: [
    (Duration.milliseconds(10), Duration.seconds(1)), (.seconds(1), .seconds(1)),
    (.seconds(86400), .seconds(300)), (.zero, .seconds(10)),
  ])
  func `a lifetime is kept within bounds`(_ lifetime: Duration, _ wait: Duration) {
    var schedule = NameSchedule()
    schedule.track(["a"], now: 0)
    _ = schedule.takeDue(now: 0)
    schedule.answered("a", lifetime: lifetime, now: 0)
    #expect(schedule.nextDue == wait.nanoseconds)
  }

  @Test func `failures are asked again at growing intervals up to a bound`() {
    var schedule = NameSchedule()
    schedule.track(["a"], now: 0)
    var now: Instant = 0
    var waits: [Int64] = []
    for _ in 0..<8 {
      #expect(schedule.takeDue(now: now) == ["a"])
      let failed = schedule.failed("a", now: now)
      waits.append(failed?.wait.components.seconds ?? -1)
      now = schedule.nextDue ?? now
    }
    #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30])
    _ = schedule.takeDue(now: now)
    schedule.answered("a", lifetime: .seconds(60), now: now)
    #expect(schedule.nextDue == now + 60 * second)
    _ = schedule.takeDue(now: now + 60 * second)
    #expect(schedule.failed("a", now: now + 60 * second)?.wait == .seconds(1))
  }

  @Test func `a server that does not answer makes its name due soon, not constantly`() {
    var schedule = NameSchedule()
    schedule.track(["a"], now: 0)
    _ = schedule.takeDue(now: 0)
    schedule.answered("a", lifetime: .seconds(300), now: 0)
    schedule.hurry("a", now: second / 2)
    #expect(schedule.nextDue == second, "a second after the last question")
    schedule.hurry("a", now: 50 * second)
    #expect(schedule.nextDue == second, "never later than it was")
    _ = schedule.takeDue(now: 50 * second)
    schedule.hurry("a", now: 50 * second)
    schedule.answered("a", lifetime: .seconds(300), now: 51 * second)
    #expect(schedule.nextDue == 52 * second, "the question was asked before the failure")
  }

  @Test func `names that are no longer wanted are forgotten`() {
    var schedule = NameSchedule()
    schedule.track(["a", "b"], now: 0)
    _ = schedule.takeDue(now: 0)
    schedule.track(["b", "c"], now: second)
    #expect(!schedule.contains("a"))
    schedule.answered("a", lifetime: .seconds(1), now: second)
    #expect(schedule.failed("a", now: second) == nil)
    #expect(schedule.takeDue(now: second) == ["c"], "b is asked already")
  }
}

@Suite struct NameResolverTests {
  private final class Table: Sendable {
    let answers = Mutex<[String: Result<Resolver.Answer, ResolverError>]>([:])
    let woken = Atomic(0)

    func set(_ name: String, _ addresses: [IPAddress], _ lifetime: Duration = .seconds(5)) {
      answers.withLock {
        $0[name] = .success(.init(addresses: addresses, timeToLive: lifetime))
      }
    }

    func resolver(_ log: RecordedLog) throws -> NameResolver {
      try NameResolver(
        logger: log.logger, wake: { self.woken.add(1, ordering: .releasing) },
        resolve: { (name) throws(ResolverError) in
          try self.answers.withLock { $0[name] ?? .failure(.notFound) }.get()
        })
    }
  }

  private let one = IPAddress(v4: 192, 0, 2, 1)
  private let two = IPAddress(v4: 192, 0, 2, 2)

  @Test func `changes of addresses are told, changes of their order are not`() throws {
    let table = Table()
    let log = RecordedLog()
    let resolver = try table.resolver(log)
    table.set("erp", [two, one])
    resolver.track(["erp"], now: 0)
    #expect(resolver.addresses(of: "erp") == nil)
    var now: Instant = 0
    var changes: [NameResolver.Change] = []

    func ask() {
      let before = table.woken.load(ordering: .acquiring)
      changes += resolver.turn(now: now)
      #expect(eventually { table.woken.load(ordering: .acquiring) > before })
      changes += resolver.turn(now: now)
      now = resolver.nextDue ?? now
    }

    ask()
    #expect(changes == [.init(name: "erp", addresses: [one, two])])
    #expect(resolver.addresses(of: "erp") == [one, two])
    #expect(now == 5 * second)

    table.set("erp", [one, two])
    ask()
    #expect(changes.count == 1)

    table.set("erp", [two])
    ask()
    #expect(changes.count == 2)
    #expect(changes.last?.addresses == [two])
    #expect(
      log.all == ["info erp is 192.0.2.1, 192.0.2.2", "info erp is now 192.0.2.2"])
  }

  @Test func `a failure keeps what is known and says so`() throws {
    let table = Table()
    let log = RecordedLog()
    let resolver = try table.resolver(log)
    resolver.track(["erp"], now: 0)
    _ = resolver.turn(now: 0)
    #expect(eventually { table.woken.load(ordering: .acquiring) == 1 })
    #expect(resolver.turn(now: 0) == [])
    table.set("erp", [one])
    _ = resolver.turn(now: second)
    #expect(eventually { table.woken.load(ordering: .acquiring) == 2 })
    #expect(resolver.turn(now: second).count == 1)
    table.answers.withLock { $0["erp"] = .failure(.timedOut) }
    _ = resolver.turn(now: 6 * second)
    #expect(eventually { table.woken.load(ordering: .acquiring) == 3 })
    #expect(resolver.turn(now: 6 * second) == [])
    #expect(resolver.addresses(of: "erp") == [one])
    #expect(
      log.all == [
        "warning erp: name not found; its servers stay down; asked again in 1 s",
        "info erp is 192.0.2.1",
        "warning erp: timed out; its known address stays in use; asked again in 1 s",
      ])
  }
}
