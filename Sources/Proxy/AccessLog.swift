import HTTP
import Memory
import Network
import Reactor

/// One worker's lines of the access log, gathered and handed over in batches.
struct AccessLog: ~Copyable {
  /// Lines wait no longer than this for others to join them.
  static let patience: UInt64 = 200_000_000
  static let lineLimit = 24 << 10

  private let queue: BatchQueue?
  private var batch = ByteBuffer()
  private var lines: UInt64 = 0
  private var oldest: Instant = 0
  private var second: UInt64 = .max
  private var prefix: [UInt8] = []

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

  /// Writes one line: the time, then what `text` says of the request, then how it ended.
  mutating func add(
    _ text: Span<UInt8>, _ end: AccessEnd, clock: Clock,
    _ environment: WorkerEnvironment
  ) {
    guard isOn else { return }
    if batch.space < Self.lineLimit { flush(environment) }
    if batch.isEmpty { oldest = clock.now }
    lines += 1
    writeTime(clock.wall)
    batch.append(text)
    write(end)
  }

  private mutating func writeTime(_ wall: UInt64) {
    let now = wall / 1_000_000_000
    if now != second {
      second = now
      prefix = Array("{\"time\":\"\(Timestamp.text(now * 1_000_000_000).prefix(20))".utf8)
    }
    let prefix = self.prefix
    batch.append(prefix.span)
    let millisecond = wall / 1_000_000 % 1000
    batch.append(48 + UInt8(millisecond / 100))
    batch.append(48 + UInt8(millisecond / 10 % 10))
    batch.append(48 + UInt8(millisecond % 10))
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
    let micro = nanoseconds / 1000
    buffer.append(decimal: micro / 1000)
    buffer.append(UInt8(ascii: "."))
    buffer.append(48 + UInt8(micro / 100 % 10))
    buffer.append(48 + UInt8(micro / 10 % 10))
    buffer.append(48 + UInt8(micro % 10))
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

  /// The bytes of a field of the client's, as a JSON string: what is not ASCII, or would end
  /// the string, is escaped byte by byte, so that no client can write a line of its own.
  ///
  /// - Parameter reserve: room that must be left for the rest of the line; what does not fit in
  ///   front of it is left out.
  static func append(
    _ name: StaticString, _ bytes: Span<UInt8>, limit: Int = 4096, reserve: Int = 6 << 10,
    to buffer: inout ByteBuffer
  ) {
    guard bytes.count > 0 else { return }
    buffer.append(name)
    var room = buffer.space - reserve
    var clean = 0
    var at = 0
    while at < min(bytes.count, limit) {
      let byte = bytes[at]
      let isPlain = byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
      room -= isPlain ? 1 : 6
      guard room >= 0 else { break }
      at += 1
      if isPlain { continue }
      buffer.append(bytes.extracting(clean..<(at - 1)))
      buffer.append("\\u")
      buffer.append(hexadecimal: UInt64(byte), width: 4)
      clean = at
    }
    buffer.append(bytes.extracting(clean..<at))
    buffer.append(UInt8(ascii: "\""))
  }
}
