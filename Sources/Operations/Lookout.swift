import Reactor
import Synchronization

/// Looks at the file system without being held up by it: a network share may answer late, or
/// never, and a thread that waits for it cannot be called back.
///
/// Each look is taken by a thread of its own; whoever asks waits until the time is over that all
/// questions have together. While a look is still out, no other one is taken, so that however
/// often is asked one thread waits at most.
final class Lookout: Sendable {
  /// How long a start or a reload may be held up.
  static let patience: Duration = .seconds(2)

  private let isOut = Mutex(false)

  /// What one look has seen, if it has come back.
  private final class Sight<Answer: Sendable>: Sendable {
    let answer = Mutex<Answer?>(nil)
    let wakeup: Wakeup
    init() throws(SystemError) { wakeup = try Wakeup() }
  }

  /// Takes a look, and tells `then` what it has seen, on the thread that looked; false, and no
  /// look, if an earlier one has not come back yet.
  func begin<Answer: Sendable>(
    _ look: @escaping @Sendable () -> Answer, then: @escaping @Sendable (Answer) -> Void
  ) -> Bool {
    let isFree = isOut.withLock { isOut in
      defer { isOut = true }
      return !isOut
    }
    guard isFree else { return false }
    do throws(SystemError) {
      try Thread.start(name: "look") {
        let answer = look()
        self.isOut.withLock { $0 = false }
        then(answer)
      }
      return true
    } catch {
      isOut.withLock { $0 = false }
      return false
    }
  }

  /// What `look` answers by the instant `end`; nil if it does not, or if an earlier look has not
  /// come back yet.
  func answer<Answer: Sendable>(
    by end: Instant, _ look: @escaping @Sendable () -> Answer
  ) -> Answer? {
    guard let sight = try? Sight<Answer>() else { return nil }
    let isBegun = begin(look) { answer in
      sight.answer.withLock { $0 = answer }
      sight.wakeup.wake()
    }
    guard isBegun else { return nil }
    // Bounded by `end`: a signal may end a wait early.
    while true {
      if let answer = sight.answer.withLock({ $0 }) { return answer }
      let now = Clock.read().now
      guard now < end else { return nil }
      _ = Syscalls.wait(
        for: sight.wakeup.descriptor, milliseconds: Int((end - now) / 1_000_000) + 1)
    }
  }
}
