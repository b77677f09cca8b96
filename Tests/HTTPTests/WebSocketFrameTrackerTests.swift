import HTTP
import Memory
import Testing

@Suite struct WebSocketFrameTrackerTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let rule: String
    let bytes: [UInt8]
    /// Where the last frame ends; nil when none does.
    var end: Int?
    var testDescription: String { "\(rule): \(bytes.prefix(16))" }
  }

  static let rows: [Row] = [
    Row(rule: "nothing", bytes: []),
    Row(rule: "half a head", bytes: [0x81]),
    Row(rule: "no payload", bytes: [0x81, 0], end: 2),
    Row(rule: "a payload", bytes: [0x81, 2, 1, 2], end: 4),
    Row(rule: "a payload to come", bytes: [0x81, 2, 1]),
    Row(rule: "two frames", bytes: [0x81, 2, 1, 2, 0x8A, 0], end: 6),
    Row(rule: "a frame and the beginning of one", bytes: [0x81, 1, 9, 0x81, 2, 1], end: 3),
    Row(rule: "RFC 6455 §5.3 a mask", bytes: [0x81, 0x81, 1, 2, 3, 4, 9], end: 7),
    Row(rule: "RFC 6455 §5.3 a mask and no payload", bytes: [0x88, 0x80, 1, 2, 3, 4], end: 6),
    Row(rule: "half a mask", bytes: [0x88, 0x80, 1, 2]),
    Row(
      rule: "RFC 6455 §5.2 a length of 16 bits",
      bytes: [0x82, 126, 0, 130] + [UInt8](repeating: 0x81, count: 130) + [0x82], end: 134),
    Row(
      rule: "RFC 6455 §5.2 a length of 64 bits",
      bytes: [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 65536), end: 65546),
    Row(
      rule: "the longest",
      bytes: [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 0x88, 0]),
  ]

  @Test(arguments: rows)
  func track(_ row: Row) {
    var tracker = WebSocketFrameTracker()
    #expect(tracker.pass(row.bytes.span) == row.end)
    #expect(tracker.isAtBoundary == (row.bytes.isEmpty || row.end == row.bytes.count))
  }

  @Test(arguments: rows)
  func `a frame that comes byte by byte ends at the same place`(_ row: Row) {
    var tracker = WebSocketFrameTracker()
    var end: Int?
    for i in row.bytes.indices
    where tracker.pass(row.bytes.span.extracting(i..<(i + 1))) != nil { end = i + 1 }
    #expect(end == row.end)
  }

  @Test func `frames end where they were written, however they are cut`() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      var stream = ByteBuffer(capacity: 1 << 20)
      var ends: Set<Int> = [0]
      for _ in 0..<Int.random(in: 1..<8, using: &random) {
        let counts = [0, 1, 124, 125, 126, 127, 200, 65535, 65536, 70000]
        let count = counts.randomElement(using: &random) ?? 0
        let mask = Bool.random(using: &random) ? UInt32.random(in: 0 ... .max, using: &random) : nil
        WebSocketFrame(.binary, mask: mask, payloadCount: UInt64(count)).write(to: &stream)
        stream.append([UInt8](repeating: 0x88, count: count).span)
        ends.insert(stream.count)
      }
      var tracker = WebSocketFrameTracker()
      var position = 0
      while position < stream.count {
        let most = Bool.random(using: &random) ? 12 : 90_000
        let next = min(position + Int.random(in: 1...most, using: &random), stream.count)
        let end = tracker.pass(stream.readable.extracting(position..<next))
        let last = ends.filter { $0 > position && $0 <= next }.max()
        #expect(end.map { $0 + position } == last)
        #expect(tracker.isAtBoundary == ends.contains(next))
        position = next
      }
    }
  }
}
