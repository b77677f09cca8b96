import CLibraries
import Glibc
import Memory
import Testing

@testable import Reactor

/// Bytes each of whose places tells itself.
private func content(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

extension Pair {
  /// Sends all of it, and reads it at the other end meanwhile.
  fileprivate mutating func pass(_ bytes: [UInt8]) throws -> [UInt8] {
    var sent = 0
    var heard: [UInt8] = []
    for _ in 0..<10_000 where heard.count < bytes.count {
      if sent < bytes.count, transport.isWritable {
        sent += try transport.send(bytes.span.extracting(droppingFirst: sent))
      }
      heard += readAll().bytes
      transport.note(.writable)
    }
    return heard
  }

  /// Reads what the client has sent, in pieces of so many bytes.
  fileprivate mutating func hear(_ most: Int) -> (bytes: [UInt8], last: Transport.Reading) {
    transport.note(.readable)
    var heard: [UInt8] = []
    while true {
      var buffer = ByteBuffer(capacity: most)
      let reading = transport.receive(into: &buffer)
      for i in buffer.readable.indices { heard.append(buffer.readable[i]) }
      guard case .bytes = reading else { return (heard, reading) }
    }
  }

  fileprivate func say(_ bytes: [UInt8]) {
    let taken = unsafe bytes.withUnsafeBytes { unsafe client.write($0) }
    #expect(taken == bytes.count)
  }
}

@Test func `what the socket does not take is kept, and arrives in order`() throws {
  var pair = try Pair()
  let bytes = content(3_000_000)
  let heard = try pair.pass(bytes)
  #expect(heard == bytes)
  let isFlushed = pair.transport.isFlushed
  #expect(isFlushed)
}

@Test func `keys are changed before they have sealed too much`() throws {
  var pair = try Pair(in: RecordRoom(sealingLimit: 3))
  // 62 records: some 20 changes, several of them in one piece that is sent.
  let bytes = content(1_000_000)
  let heard = try pair.pass(bytes)
  #expect(heard == bytes)
}

@Test(arguments: [1, 100, 16_384, 40_000])
func `a record that does not fit waits, and the next ones behind it`(most: Int) throws {
  var pair = try Pair()
  let bytes = content(50_000)
  pair.say(bytes)
  let (heard, last) = pair.hear(most)
  #expect(heard == bytes && last == .wouldBlock)
  let isReadable = pair.transport.isReadable
  #expect(!isReadable)
}

@Test func `what comes while records wait is not forgotten`() throws {
  var pair = try Pair()
  pair.say([1])
  pair.say([2])
  pair.transport.note(.readable)
  var buffer = ByteBuffer(capacity: 1)
  let first = pair.transport.receive(into: &buffer)
  pair.say([3])
  pair.transport.note(.readable)
  let rest = pair.hear(1)
  #expect(first == .bytes && rest.bytes == [2, 3])
}

@Test func `an end stands behind what was said before it, and a cut is none`() throws {
  var pair = try Pair()
  pair.say(content(10))
  #expect(pair.client.end() == .done)
  let (heard, last) = pair.hear(100)
  #expect(heard == content(10) && last == .endOfStream)

  var cut = try Pair()
  cut.say(content(10))
  Syscalls.shutdown(cut.socket, .both)
  let (before, end) = cut.hear(100)
  #expect(before == content(10) && end == .failed)
}

@Test func `libssl is needed no more when hands are shaken`() throws {
  let pair = try Pair()
  let hasRecords = pair.transport.channel.value.hasRecords
  #expect(hasRecords)
}

@Test func `who takes some of what was kept is known to read`() throws {
  var pair = try Pair()
  // The kernel takes some 4 KiB at a time.
  var least: Int32 = 4096
  _ = unsafe setsockopt(pair.transport.socket.number, SOL_SOCKET, SO_SNDBUF, &least, 4)
  let bytes = content(1_000_000)
  let taken = try pair.transport.send(bytes.span)
  #expect(taken < bytes.count)
  pair.transport.note(.writable)
  let hasMoved = pair.transport.takeFlush()
  #expect(!hasMoved)
  var room = [UInt8](repeating: 0, count: 5000)
  var (some, last) = (false, pair.transport.isFlushed)
  for _ in 0..<100 where !some {
    _ = unsafe room.withUnsafeMutableBytes { unsafe pair.client.read($0) }
    pair.transport.note(.writable)
    (some, last) = (pair.transport.takeFlush(), pair.transport.isFlushed)
  }
  #expect(some && !last)
  let again = pair.transport.takeFlush()
  #expect(!again)
}

@Test func `tiny records wait for their turn`() throws {
  var pair = try Pair()
  for number in UInt8(0)..<200 { pair.say([number]) }
  pair.transport.note(.readable)
  var buffer = ByteBuffer(capacity: 16_384)
  let first = pair.transport.receive(into: &buffer)
  let (count, isReadable) = (buffer.count, pair.transport.isReadable)
  #expect(first == .bytes && count == RecordLayer.turnLimit && isReadable)
  let (rest, last) = pair.hear(16_384)
  #expect(rest == [UInt8](UInt8(count)..<200) && last == .wouldBlock)
}
