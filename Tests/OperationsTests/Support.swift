import Glibc
import Logging
import Operations
import Synchronization

/// What a logger was told, in order: `level message`.
final class RecordedLog: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }

  var logger: Logger {
    let output = LogOutput(
      level: .trace, wall: { 0 },
      write: { line in
        // Without its time and newline.
        self.lines.withLock { $0.append(String(line.dropFirst(25).dropLast())) }
      })
    return Logger(label: "test") { _ in LineLogHandler(output) }
  }
}

/// Waits until `condition` holds, up to ten seconds; answers whether it came to hold.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let end = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < end {
    if try condition() { return true }
    _ = poll(nil, 0, 1)
  }
  return try condition()
}
