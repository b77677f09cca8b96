import HTTP
import Memory
import Network
import Reactor

/// One worker's lines of the access log, gathered and handed over in batches.
struct AccessLog: ~Copyable {
  /// Lines wait no longer than this for others to join them.
  static let patience: UInt64 = 200_000_000
  /// The longest line: 14 KiB of an escaped target, and 8 of all else, escaped as well.
  static let lineLimit = 24 << 10

  private let queue: BatchQueue?
  private var batch = ByteBuffer()
  private var lines: UInt64 = 0
  private var oldest: Instant = 0
  private var second: UInt64 = .max
  /// How each line of that second begins.
  private var beginning = ByteBuffer(capacity: 32)

  init(queue: BatchQueue?) {
    self.queue = queue
    if let queue { batch = queue.emptyBuffer() }
  }

  var isOn: Bool { queue != nil }

  /// Milliseconds until lines are due to be handed over; nil when there are none.
  func delay(now: Instant) -> Int? {
    guard !batch.isEmpty else { return nil }
    let due = oldest &+ Self.patience
    return due <= now ? 0 : Int((due - now) / 1_000_000) + 1
  }

  @inline(__always) mutating func flushIfDue(_ environment: WorkerEnvironment, now: Instant) {
    guard !batch.isEmpty,
      batch.space < Self.lineLimit || now &- oldest >= Self.patience
    else { return }
    flush(environment)
  }

  mutating func flush(_ environment: WorkerEnvironment) {
    guard let queue, !batch.isEmpty else { return }
    if !queue.submit(&batch) { environment.counters.add(environment.slots.logDropped, lines) }
    lines = 0
  }

  /// Begins a line with the time. What the request was is appended to the batch that is handed out
  /// for it, which comes back with `end`.
  mutating func begin(_ clock: Clock, _ environment: WorkerEnvironment) -> ByteBuffer {
    if batch.space < Self.lineLimit { flush(environment) }
    if batch.isEmpty { oldest = clock.now }
    lines += 1
    writeTime(clock.wall)
    return batch.take()
  }

  /// Ends the line with how the request ended.
  mutating func end(_ line: consuming ByteBuffer, _ end: AccessEnd) {
    batch = line
    write(end)
  }

  private mutating func writeTime(_ wall: UInt64) {
    let now = wall / 1_000_000_000
    if now != second {
      second = now
      beginning.clear()
      beginning.append(text: "{\"time\":\"\(Timestamp.text(now * 1_000_000_000).prefix(20))")
    }
    batch.append(Slice(0..<beginning.count), of: beginning)
    batch.append(thousandths: wall / 1_000_000 % 1000)
    batch.append("Z\"")
  }

  private mutating func write(_ end: AccessEnd) {
    batch.append(",\"status\":")
    batch.append(decimal: UInt64(end.status))
    batch.append(",\"bytes_in\":")
    batch.append(decimal: end.bytesIn)
    batch.append(",\"bytes_out\":")
    batch.append(decimal: end.bytesOut)
    batch.append(",\"duration_ms\":")
    Self.append(milliseconds: end.duration, to: &batch)
    if end.queued > 0 {
      batch.append(",\"queued_ms\":")
      Self.append(milliseconds: end.queued, to: &batch)
    }
    if let connect = end.connect {
      batch.append(",\"connect_ms\":")
      Self.append(milliseconds: connect, to: &batch)
    }
    if let firstByte = end.firstByte {
      batch.append(",\"first_byte_ms\":")
      Self.append(milliseconds: firstByte, to: &batch)
    }
    batch.append(",\"reason\":\"")
    batch.append(end.reason.text)
    batch.append("\"}\n")
  }

  /// With three decimals: microseconds.
  private static func append(milliseconds nanoseconds: UInt64, to buffer: inout ByteBuffer) {
    let microseconds = nanoseconds / 1000
    buffer.append(decimal: microseconds / 1000)
    buffer.append(UInt8(ascii: "."))
    buffer.append(thousandths: microseconds % 1000)
  }
}

/// How an exchange ended, in numbers.
struct AccessEnd {
  var status: UInt16
  var bytesIn: UInt64
  var bytesOut: UInt64
  var duration: UInt64
  /// How long the request has waited for a server.
  var queued: UInt64 = 0
  var connect: UInt64?
  var firstByte: UInt64?
  var reason: Termination
}

/// What is known of a request until its end, for its line and its counts: kept small, for tunnels
/// wait long.
struct AccessRecord {
  /// JSON members, each with a comma in front; empty where no line will be written.
  var text: [UInt8] = []
  var start: Instant
  var connect: UInt64
  var firstByte: UInt64
  // Numbers in the snapshot.
  var route: Int32
  var pool: Int32
  var server: Int32
}

extension ByteBuffer {
  /// Appends what stands at `place` in another buffer.
  mutating func append(_ place: Slice, of other: borrowing ByteBuffer) {
    append(other.written.extracting(place.range))
  }

  /// Appends a member of JSON whose value is text of the client's, with a comma in front; nothing
  /// where there is no text.
  mutating func append(
    _ beginning: StaticString, _ bytes: Span<UInt8>, _ text: Slice, limit: Int = 4096
  ) {
    guard !text.isEmpty else { return }
    append(beginning)
    append(escaped: bytes, text, limit: limit)
    append(UInt8(ascii: "\""))
  }

  /// Appends what stands between the quotes of a JSON string: what is not ASCII, or would end the
  /// string, is escaped byte by byte, so that no client can write a line of its own.
  ///
  /// - Parameter limit: of the bytes read; 14 KiB are written at most.
  mutating func append(escaped bytes: Span<UInt8>, _ text: Slice, limit: Int) {
    var at = Int(text.start)
    let end = min(text.end, at + limit)
    var room = 14 << 10
    while true {
      let plain = min(bytes.plainCount(from: at, to: end), room)
      append(bytes.extracting(at..<at &+ plain))
      at &+= plain
      room &-= plain &+ 6
      guard at < end, room >= 0 else { return }
      append("\\u")
      append(hexadecimal: UInt64(bytes[at]), width: 4)
      at += 1
    }
  }
}
