import Logging
import Operations
import Reactor
import Synchronization
import Testing

@Test(arguments: [
  (0, "1970-01-01T00:00:00.000Z"),
  (951_782_400_000, "2000-02-29T00:00:00.000Z"),
  (1_785_585_600_250, "2026-08-01T12:00:00.250Z"),
  (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
  (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
])
func `a time is written as RFC 3339 has it`(_ milliseconds: UInt64, _ text: String) {
  #expect(Timestamp.text(milliseconds * 1_000_000) == text)
}

private final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

private func logger(_ lines: Lines, _ format: LogOutput.Format) -> (Logger, LogOutput) {
  let output = LogOutput(
    format: format, wall: { 1_785_585_600_250_000_000 }, write: { lines.add($0) })
  return (Logger(label: "martlet") { _ in LineLogHandler(output) }, output)
}

@Test func `an event is one line of text`() {
  let lines = Lines()
  let (logger, _) = logger(lines, .text)
  logger.info("listening on 127.0.0.1:8080")
  logger.warning("two\nlines\u{1B}[0m", metadata: ["pool": "erp", "at": "3"])
  #expect(
    lines.all == [
      "2026-08-01T12:00:00.250Z info listening on 127.0.0.1:8080\n",
      "2026-08-01T12:00:00.250Z warning two\\nlines\\u{1B}[0m at=3 pool=erp\n",
    ])
}

@Test func `an event is one object of JSON`() {
  let lines = Lines()
  let (logger, _) = logger(lines, .json)
  logger.error("said \"no\"\n", metadata: ["server": "a\\b"])
  #expect(
    lines.all == [
      #"{"time":"2026-08-01T12:00:00.250Z","level":"error","message":"said \"no\"\n","#
        + #""server":"a\\b"}"# + "\n"
    ])
}

@Test func `the level can change under loggers that are about`() {
  let lines = Lines()
  let (logger, output) = logger(lines, .text)
  logger.debug("unseen")
  output.level = .debug
  logger.debug("seen")
  output.level = .error
  logger.warning("unseen again")
  #expect(lines.all == ["2026-08-01T12:00:00.250Z debug seen\n"])
}
