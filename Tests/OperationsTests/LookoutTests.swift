import Configuration
import Memory
import Reactor
import Synchronization
import Testing

@testable import Operations

private func soon(_ duration: Duration) -> Instant { Clock.read().now + duration.nanoseconds }

/// A share that answers when the test says so.
private final class Share: Sendable {
  private let gate = WorkQueue<Void>()
  private let asked = Mutex<[String]>([])

  var questions: [String] { asked.withLock { $0 } }

  func kind(_ path: String) -> PathKind {
    asked.withLock { $0.append(path) }
    _ = gate.next()
    return .directory
  }

  func answer() { gate.close() }
}

@Test func `a look that comes back is answered`() {
  let lookup = Lookout()
  for i in 0..<20 { #expect(lookup.answer(by: soon(.seconds(10))) { i } == i) }
}

@Test func `whoever asks does not wait for a look that stays out, nor for the next one`() {
  let lookup = Lookout()
  let share = Share()
  #expect(lookup.answer(by: soon(.milliseconds(20))) { share.kind("/a") } == nil)
  // At once, and without another thread: its time would be up in an hour.
  #expect(lookup.answer(by: soon(.seconds(3600))) { share.kind("/b") } == nil)
  #expect(share.questions == ["/a"])
  share.answer()
  #expect(eventually { lookup.answer(by: soon(.seconds(10))) { true } == true })
}

@Test func `a share that does not answer holds a start up for a while only, and is named`() throws {
  let share = Share()
  defer { share.answer() }
  var source = ConfigurationSource.text(
    """
    listen: 127.0.0.1:0
    limits: {spill: 0}
    routes:
      - {match: {prefix: /a}, files: {root: /share}}
      - {match: {prefix: /b}, files: {root: /other}}
    """, name: "test.yaml")
  source.kind = { share.kind($0) }
  let start = Clock.read().now
  let (configuration, diagnostics) = source.load()
  #expect(Clock.read().now - start < Duration.seconds(20).nanoseconds)
  #expect(configuration != nil)
  #expect(
    diagnostics.map(\.oneLine) == [
      "test.yaml:4:41: /share did not answer in time: whether files are there was not looked at "
        + "(requests for its files wait for it, too: see to the share that is mounted there)"
    ])
  #expect(share.questions == ["/share"])
}
