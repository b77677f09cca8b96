import Memory
import Reactor

/// The timer wheel of a worker with many connections.
enum Timers {
  static var armed: Int { 10_000 }
  private static var second: UInt64 { 1_000_000_000 }

  static var benchmarks: [Benchmark] {
    [
      benchmark("arm a timer and cancel it") { wheel, count in
        var sum = 0
        for i in 0..<count {
          let id = wheel.schedule(token(1), at: second + UInt64(i % 60) * second)
          wheel.cancel(id)
          sum += id == 0 ? 0 : 1
        }
        return sum
      },
      benchmark("move a timer") { wheel, count in
        let id = wheel.schedule(token(1), at: second)
        for i in 0..<count { wheel.reschedule(id, at: second + UInt64(i % 60) * second) }
        wheel.cancel(id)
        return count
      },
      benchmark("a turn in which no timer is due") { wheel, count in
        var sum = 0
        for i in 0..<count {
          let now = second + UInt64(i & 1023)
          sum += wheel.nextExpired(now: now) == nil ? 1 : 0
          sum += wheel.nextDelay(now: now, atMost: 1000) <= 1000 ? 1 : 0
        }
        return sum
      },
      Benchmark("a timer that fires and is armed anew, of \(number(armed))") {
        var wheel = wheel()
        var now = second
        return { count in fire(count, of: &wheel, &now) }
      },
    ]
  }

  private static func benchmark(
    _ name: String, _ work: @escaping (inout TimerWheel, Int) -> Int
  ) -> Benchmark {
    Benchmark("\(name), of \(number(armed))") {
      var wheel = wheel()
      return { count in work(&wheel, count) }
    }
  }

  /// Turn by turn, a tick each.
  private static func fire(_ count: Int, of wheel: inout TimerWheel, _ now: inout UInt64) -> Int {
    var fired = 0
    while fired < count {
      while fired < count, let token = wheel.nextExpired(now: now) {
        _ = wheel.schedule(token, at: now + 60 * second)
        fired += 1
      }
      if fired < count { now += wheel.tick }
    }
    return fired
  }

  /// All armed within a minute from the second second on.
  private static func wheel() -> TimerWheel {
    var wheel = TimerWheel(now: second)
    for i in 0..<armed {
      _ = wheel.schedule(
        token(UInt32(i)), at: 2 * second + UInt64(i) * 60 * second / UInt64(armed))
    }
    return wheel
  }

  private static func token(_ slot: UInt32) -> Token {
    Token(kind: 1, handle: Handle(slot: slot, generation: 1))
  }
}
