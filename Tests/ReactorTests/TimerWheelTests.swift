import Memory
import Reactor
import Testing

private let millisecond: UInt64 = 1_000_000

private func token(_ number: UInt32) -> Token {
  Token(kind: 1, handle: Handle(slot: number, generation: 1))
}

private func expired(_ wheel: inout TimerWheel, at now: Instant) -> [UInt32] {
  var slots: [UInt32] = []
  while let token = wheel.nextExpired(now: now) { slots.append(token.handle.slot) }
  return slots.sorted()
}

@Test func `a timer fires at its deadline and not before`() {
  var wheel = TimerWheel(now: 0, tick: 10 * millisecond, buckets: 16)
  _ = wheel.schedule(token(1), at: 25 * millisecond)
  #expect(expired(&wheel, at: 24 * millisecond) == [])
  #expect(expired(&wheel, at: 30 * millisecond) == [1])
  #expect(expired(&wheel, at: 60 * millisecond) == [], "once only")
}

@Test func `a deadline beyond a round waits its rounds`() {
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 16)
  _ = wheel.schedule(token(1), at: 40 * millisecond)
  for now in 1..<40 { #expect(expired(&wheel, at: UInt64(now) * millisecond) == []) }
  #expect(expired(&wheel, at: 40 * millisecond) == [1])
}

@Test func `after a long sleep everything that is due fires`() {
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 16)
  for i in 1...50 { _ = wheel.schedule(token(UInt32(i)), at: UInt64(i) * millisecond) }
  #expect(expired(&wheel, at: 45 * millisecond).count == 45)
  #expect(expired(&wheel, at: 1000 * millisecond).count == 5)
}

@Test func `a cancelled timer does not fire and its number is used again`() {
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 16)
  let first = wheel.schedule(token(1), at: 5 * millisecond)
  wheel.cancel(first)
  let second = wheel.schedule(token(2), at: 6 * millisecond)
  #expect(first == second)
  #expect(expired(&wheel, at: 10 * millisecond) == [2])
}

@Test func `a rescheduled timer fires at its new deadline`() {
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 16)
  let id = wheel.schedule(token(1), at: 5 * millisecond)
  wheel.reschedule(id, at: 9 * millisecond)
  #expect(expired(&wheel, at: 8 * millisecond) == [])
  #expect(expired(&wheel, at: 9 * millisecond) == [1])
}

@Test func `a deadline in the past fires at the next look`() {
  var wheel = TimerWheel(now: 100 * millisecond, tick: millisecond, buckets: 16)
  _ = wheel.schedule(token(1), at: 1)
  #expect(expired(&wheel, at: 100 * millisecond) == [1])
}

@Test func `the delay never passes the next deadline`() throws {
  var wheel = TimerWheel(now: 0, tick: 10 * millisecond, buckets: 16)
  #expect(wheel.nextDelay(now: 0, atMost: 1000) == 1000)
  _ = wheel.schedule(token(1), at: 25 * millisecond)
  let delay = wheel.nextDelay(now: 3 * millisecond, atMost: 1000)
  #expect(delay == 27)
}

@Test func `random schedules fire once each, in time and not early`() {
  var generator = SystemRandomNumberGenerator()
  let seed = UInt64.random(in: 1...UInt64.max, using: &generator)
  var state = seed
  func next(_ limit: UInt64) -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state % limit
  }
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 64)
  var deadlines: [UInt32: UInt64] = [:]
  var now: UInt64 = 0
  var number: UInt32 = 0
  for _ in 0..<2000 {
    for _ in 0..<next(4) {
      number += 1
      let deadline = now + next(300) * millisecond / 3
      deadlines[number] = deadline
      _ = wheel.schedule(token(number), at: deadline)
    }
    now += next(20) * millisecond
    for slot in expired(&wheel, at: now) {
      let deadline = deadlines.removeValue(forKey: slot)
      #expect(deadline.map { $0 <= now } == true, "seed \(seed)")
    }
    for (slot, deadline) in deadlines {
      #expect(deadline + 2 * millisecond > now, "timer \(slot) is late, seed \(seed)")
    }
    let delay = UInt64(wheel.nextDelay(now: now, atMost: 1000)) * millisecond
    let soonest = deadlines.values.min() ?? .max / 2
    #expect(now + delay <= max(soonest, now) &+ 2 * millisecond, "seed \(seed)")
  }
}

@Test func `timers of later rounds do not keep the loop awake`() {
  var wheel = TimerWheel(now: 0, tick: millisecond, buckets: 16)
  for i in 0..<16 { _ = wheel.schedule(token(UInt32(i)), at: UInt64(160 + i) * millisecond) }
  #expect(wheel.nextDelay(now: 0, atMost: 10) == 10)
  #expect(wheel.nextDelay(now: 0, atMost: 1000) == 16)
  #expect(expired(&wheel, at: 159 * millisecond) == [])
  #expect(wheel.nextDelay(now: 159 * millisecond, atMost: 1000) == 1)
}
