import CLibraries
import CZlib
import Testing

private let levels: [GzipStream.Level] = [.fast, .zlib(1), .zlib(5), .zlib(9)]

@Test(arguments: levels)
func `what was compressed comes out of zlib's inflate as it went in`(
  _ level: GzipStream.Level
) throws {
  var stream = GzipStream(level: level)
  for content in contents {
    for (piece, room) in [(Int.max, 1 << 20), (1000, 4096), (1 << 14, 64), (7, 33)] {
      let coded = stream.whole(content, pieces: piece, room: room)
      #expect(
        isSame(inflate(coded), content), "\(content.count) bytes by \(piece), room for \(room)")
    }
  }
}

@Test(arguments: levels)
func `pieces and rooms of every small size give the same content`(
  _ level: GzipStream.Level
) throws {
  var stream = GzipStream(level: level)
  let content = text(700) + noise(300)
  for size in 1...40 {
    let coded = stream.whole(content, pieces: size, room: 41 - size)
    #expect(isSame(inflate(coded), content), "pieces of \(size)")
  }
}

@Test(arguments: levels)
func `what was flushed can be read before more comes`(_ level: GzipStream.Level) throws {
  var stream = GzipStream(level: level)
  for room in [16, 17, 64, 1 << 16] {
    stream.reset()
    var coded: [UInt8] = []
    var plain: [UInt8] = []
    for event in 0..<30 {
      let message = text(event * 37 + 1)
      plain += message
      coded += stream.take(message, room: room)
      coded += stream.drain(room: room) { $0.flush(into: &$1) }
      #expect(isSame(inflate(coded, isWhole: false), plain), "event \(event), room for \(room)")
      let before = coded.count
      coded += stream.drain(room: room) { $0.flush(into: &$1) }
      #expect(coded.count == before, "a flush with nothing to flush writes nothing")
    }
    coded += stream.drain(room: room) { $0.finish(into: &$1) }
    #expect(isSame(inflate(coded), plain))
  }
}

@Test(arguments: levels)
func `a body that was left in its middle leaves nothing in the next`(
  _ level: GzipStream.Level
) throws {
  var stream = GzipStream(level: level)
  let fresh = stream.whole(text(5000), pieces: 512, room: 1000)
  for left in [0, 1, 900, 40_000, 200_000] {
    stream.reset()
    _ = stream.take(noise(left), room: 1000)
    if left == 900 { _ = stream.drain(room: 20) { $0.flush(into: &$1) } }
    if left == 40_000 { _ = stream.once(room: 5) { $0.finish(into: &$1) } }
    #expect(stream.whole(text(5000), pieces: 512, room: 1000) == fresh, "left after \(left)")
  }
}

@Test(arguments: levels)
func `a finished stream takes and gives nothing more`(_ level: GzipStream.Level) throws {
  var stream = GzipStream(level: level)
  _ = stream.whole(text(100), pieces: 10, room: 1000)
  let isFinished = stream.isFinished
  #expect(isFinished)
  let (count, isDone) = stream.once(room: 100) { stream, output in
    stream.compress(text(10).span, into: &output) == 0 && stream.flush(into: &output)
      && stream.finish(into: &output)
  }
  #expect(count.isEmpty && isDone)
}

@Test(arguments: levels)
func `without room nothing is taken and nothing is lost`(_ level: GzipStream.Level) throws {
  var stream = GzipStream(level: level)
  let content = text(300)
  let (none, isDone) = stream.once(room: 0) { stream, output in
    stream.compress(content.span, into: &output) == 0 && !stream.finish(into: &output)
  }
  #expect(none.isEmpty && isDone)
  let coded = stream.whole(content, pieces: 300, room: 1000)
  #expect(isSame(inflate(coded), content))
}

@Test func `a level that does not exist is the nearest one`() throws {
  for (level, nearest) in [(-3, 1), (0, 1), (10, 9), (Int.max, 9)] {
    var stream = GzipStream(level: .zlib(level))
    var other = GzipStream(level: .zlib(nearest))
    let content = text(20_000)
    #expect(
      stream.whole(content, pieces: 9000, room: 9000)
        == other.whole(content, pieces: 9000, room: 9000))
  }
}

// MARK: Content

private let contents: [[UInt8]] = [
  [], [65], text(10), text(10_000), text(300_000), noise(1), noise(65_536), noise(200_000),
  [UInt8](repeating: 0, count: 500_000), text(40_000) + noise(40_000) + text(40_000),
]

/// Something like JSON.
private func text(_ count: Int) -> [UInt8] {
  var bytes: [UInt8] = []
  var row = 0
  while bytes.count < count {
    bytes += Array(#"{"name":"SINV-\#(row)","total":\#(row * 7919 % 10_007)},"#.utf8)
    row += 1
  }
  return Array(bytes.prefix(count))
}

private func noise(_ count: Int) -> [UInt8] {
  var state: UInt64 = 42
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 33)
  }
}

/// Compared here, so that a failure does not print it all.
private func isSame(_ one: [UInt8]?, _ other: [UInt8]) -> Bool { one == other }

// MARK: Driving a stream

extension GzipStream {
  /// One call with so much room: what was written, and what the call answered.
  fileprivate mutating func once(
    room: Int, _ call: (inout GzipStream, inout OutputSpan<UInt8>) -> Bool
  ) -> (written: [UInt8], answer: Bool) {
    var answer = false
    let written = [UInt8](capacity: room) { output in answer = call(&self, &output) }
    return (written, answer)
  }

  fileprivate mutating func drain(
    room: Int, _ call: (inout GzipStream, inout OutputSpan<UInt8>) -> Bool
  ) -> [UInt8] {
    var all: [UInt8] = []
    for _ in 0..<100_000 {
      let (written, isDone) = once(room: room, call)
      all += written
      if isDone { return all }
    }
    Issue.record("never done")
    return all
  }

  fileprivate mutating func take(_ content: [UInt8], room: Int) -> [UInt8] {
    var taken = 0
    var isFull = true
    defer { #expect(isFull, "what is left untaken has no room") }
    return drain(room: room) { stream, output in
      taken += stream.compress(content.span.extracting(droppingFirst: taken), into: &output)
      isFull = isFull && (taken == content.count || output.freeCapacity == 0)
      return taken == content.count
    }
  }

  fileprivate mutating func whole(_ content: [UInt8], pieces: Int, room: Int) -> [UInt8] {
    reset()
    var coded: [UInt8] = []
    var at = 0
    while at < content.count {
      let end = at + min(pieces, content.count - at)
      coded += take(Array(content[at..<end]), room: room)
      at = end
    }
    return coded + drain(room: room) { $0.finish(into: &$1) }
  }
}

extension [UInt8] {
  fileprivate init(capacity: Int, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    self = unsafe Array(unsafeUninitializedCapacity: capacity) { buffer, count in
      let room = unsafe UnsafeMutableBufferPointer(start: buffer.baseAddress, count: capacity)
      var output = unsafe OutputSpan<UInt8>(buffer: room, initializedCount: 0)
      fill(&output)
      count = unsafe output.finalize(for: room)
    }
  }
}

/// What zlib makes of it; nil when that is no gzip, or not whole though it should be.
private func inflate(_ coded: [UInt8], isWhole: Bool = true) -> [UInt8]? {
  // zlib wants its stream to stay where it is.
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  unsafe stream.initialize(to: z_stream())
  defer { unsafe stream.deallocate() }
  let size = unsafe CInt(MemoryLayout<z_stream>.size)
  guard unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, size) == Z_OK else { return nil }
  defer { unsafe inflateEnd(stream) }
  var coded = coded
  var plain: [UInt8] = []
  var status = Z_OK
  unsafe coded.withUnsafeMutableBufferPointer { input in
    unsafe stream.pointee.next_in = input.baseAddress
    unsafe stream.pointee.avail_in = UInt32(input.count)
    while status == Z_OK {
      plain += unsafe Array(unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        unsafe stream.pointee.next_out = buffer.baseAddress
        unsafe stream.pointee.avail_out = UInt32(buffer.count)
        status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        count = unsafe buffer.count - Int(stream.pointee.avail_out)
      }
    }
  }
  guard unsafe stream.pointee.avail_in == 0 else { return nil }
  return status == (isWhole ? Z_STREAM_END : Z_BUF_ERROR) ? plain : nil
}
