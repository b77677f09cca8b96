import HTTP
import Memory
import Reactor

/// A body, or a part of one, on its way between somebody who gives and somebody who takes at a
/// different pace: in memory up to a bound, then in a spill file.
///
///     memory          file                     tail
///     |taken|ready|   |taken|ready|being written|   |waiting to be written|
///
/// It is first in, first out. With `keepsTaken` nothing is forgotten, so that the body can be
/// sent again to another server. The store is bounded: what it does not accept stays with the
/// giver.
struct BodyStore: ~Copyable {
  /// Bytes in one piece on its way to the file.
  static let pieceBytes = 64 << 10
  /// Less room than this counts as none as long as there is another place: a line of a chunked
  /// body's trailers must find room in one piece.
  static let slack = 8 << 10

  private var memory: ByteBuffer
  private var tail = ByteBuffer()
  private var file: SpillFile?
  /// Bytes in the file that can be read.
  private var fileEnd = 0
  private var fileTaken = 0
  /// Bytes on their way into the file now.
  private var writing = 0
  /// The budget has refused room, or the file could not be made: no more is spilled.
  private(set) var isSpent = false
  private(set) var keepsTaken: Bool
  private let maySpill: Bool
  /// Bytes accepted so far.
  private(set) var accepted = 0
  private var taken = 0

  /// A store that is not there: it has no room, and nothing in it.
  init() {
    memory = ByteBuffer()
    keepsTaken = false
    maySpill = false
  }

  /// - Parameter memory: an empty buffer; its capacity is the bound on what is held in memory.
  init(memory: consuming ByteBuffer, keepsTaken: Bool, maySpill: Bool) {
    self.memory = memory
    self.keepsTaken = keepsTaken
    self.maySpill = maySpill
  }

  /// Bytes accepted and not yet taken.
  var count: Int { accepted - taken }
  var isEmpty: Bool { count == 0 }
  /// Whether there is a store at all.
  var isOpen: Bool { memory.capacity > 0 }

  // MARK: Giving

  /// Makes room for more and answers for how many bytes: `append` takes no more than that.
  ///
  /// 0 means that the giver waits: until something is taken, or a write has ended.
  ///
  /// - Parameter left: what is still to come, if that is known: room for all of it is enough.
  mutating func makeRoom(
    for left: UInt64 = .max, writer: SpillWriter, pool: inout BufferPool
  ) -> Int {
    let maySpill = maySpill && !isSpent
    if !isSpilling {
      // Where there is a file to go to, moving bytes is worth it only for a lot of room.
      let worth = maySpill ? memory.capacity / 4 : 1
      if memory.space < Self.slack, !keepsTaken, memory.consumed >= worth { memory.compact() }
      if memory.space >= Self.slack || memory.space >= left || !maySpill { return memory.space }
    }
    if hasTail { return tail.space }
    guard maySpill else { return 0 }
    guard openFile(writer), file?.reserve(Self.pieceBytes) == true else {
      isSpent = true
      writer.budget.countRefusal()
      return isSpilling ? 0 : memory.space
    }
    tail = pool.take()
    return Self.pieceBytes
  }

  /// - Precondition: `makeRoom` has just answered that there is room for all of `bytes`.
  mutating func append(_ bytes: Span<UInt8>) {
    accepted += bytes.count
    if hasTail { tail.append(bytes) } else { memory.append(bytes) }
  }

  /// Reads once from who gives, straight to where its bytes are kept.
  ///
  /// - Parameter most: no more than `makeRoom` has just answered.
  /// - Returns: what came of it, and how many bytes.
  mutating func receive(
    from giver: inout Transport, atMost most: Int
  ) -> (reading: Transport.Reading, count: Int) {
    let before = hasTail ? tail.count : memory.count
    let reading =
      hasTail
      ? giver.receive(into: &tail, atMost: most) : giver.receive(into: &memory, atMost: most)
    let count = (hasTail ? tail.count : memory.count) - before
    accepted += count
    return (reading, count)
  }

  private var hasTail: Bool { tail.capacity > 0 }

  mutating func append(_ buffer: borrowing ByteBuffer) { append(buffer.readable) }

  /// New bytes must queue behind bytes that are not in memory.
  private var isSpilling: Bool {
    hasTail || writing > 0 || fileTaken < fileEnd || (keepsTaken && fileEnd > 0)
  }

  private mutating func openFile(_ writer: SpillWriter) -> Bool {
    if file != nil { return true }
    // No file means no spilling: the body streams, as when the budget is spent.
    file = try? SpillFile(in: writer.directory, budget: writer.budget)
    return file != nil
  }

  /// Sends the tail on its way to the file when there is enough of it.
  ///
  /// - Parameter all: however little there is: the giver has no more.
  mutating func flush(
    all: Bool, owner: Handle, isRequest: Bool, writer: SpillWriter, mailbox: Mailbox
  ) {
    let count = tail.count
    guard writing == 0, count > 0, all || tail.space < Self.slack, let file else { return }
    writing = count
    writer.write(
      SpillJob(
        file: file, offset: fileEnd, bytes: tail.take(), owner: owner, isRequest: isRequest,
        mailbox: mailbox))
  }

  /// A write that `flush` started is done.
  mutating func written() {
    fileEnd += writing
    writing = 0
  }

  // MARK: Taking

  /// Where the next bytes to be taken are.
  enum Front: Equatable {
    case memory
    case file(from: Int, count: Int)
    case tail
    /// Bytes are on their way into the file: the taker waits.
    case writing
    case nothing
  }

  var front: Front {
    if !memory.isEmpty { return .memory }
    if fileTaken < fileEnd { return .file(from: fileTaken, count: fileEnd - fileTaken) }
    if writing > 0 { return .writing }
    guard !tail.isEmpty else { return .nothing }
    // What the taker can have at once need not go through the file, unless it may be asked for
    // again: then it must be where it can be found.
    return keepsTaken ? .writing : .tail
  }

  /// Sends what is in front to `taker`; answers how many bytes, 0 when it would block or
  /// nothing is ready.
  mutating func send(to taker: inout Transport) throws(SystemError) -> Int {
    var sent = 0
    switch front {
    case .memory:
      if keepsTaken {
        sent = try taker.send(memory.readable)
        memory.skip(sent)
      } else {
        sent = try taker.send(&memory)
      }
    case .file(let offset, let count):
      guard let file else { return 0 }
      guard
        let n = try taker.sendFile(
          file.descriptor, from: offset, count: min(count, Worker.countedFilePiece))
      else { throw SystemError(call: "sendfile", errno: SystemError.inputOutput) }
      sent = n
      fileTaken += n
    case .tail:
      sent = try taker.send(&tail)
    case .writing, .nothing:
      return 0
    }
    taken += sent
    return sent
  }

  /// Moves what is in front, up to 8 KiB, into `buffer` as one chunk; false when nothing is
  /// ready.
  mutating func writeChunk(to buffer: inout ByteBuffer) throws(SystemError) -> Bool {
    let most = min(8192, buffer.space - ChunkWriter.headSpace - ChunkWriter.endSpace)
    switch front {
    case .memory:
      let count = min(most, memory.count)
      ChunkWriter.head(count, to: &buffer)
      buffer.append(memory.readable.extracting(first: count))
      if keepsTaken { memory.skip(count) } else { memory.consume(count) }
      taken += count
    case .file(let offset, let ready):
      guard let file else { return false }
      let count = min(most, ready)
      ChunkWriter.head(count, to: &buffer)
      try Syscalls.read(file.descriptor, at: offset, count: count, into: &buffer)
      fileTaken += count
      taken += count
    case .tail:
      let count = min(most, tail.count)
      ChunkWriter.head(count, to: &buffer)
      buffer.append(tail.readable.extracting(first: count))
      tail.consume(count)
      taken += count
    case .writing, .nothing:
      return false
    }
    ChunkWriter.end(to: &buffer)
    return true
  }

  /// Begins again with the first byte; false when some have been forgotten.
  mutating func rewind() -> Bool {
    guard keepsTaken || taken == 0 else { return false }
    memory.rewind()
    fileTaken = 0
    taken = 0
    return true
  }

  /// Nobody will ask for the body again.
  mutating func forgetTaken() { keepsTaken = false }

  /// Gives back what the store holds, its memory to who is asked next.
  mutating func close(writer: SpillWriter, piecePool: inout BufferPool) -> ByteBuffer {
    piecePool.give(tail.take())
    if let file { writer.forget(file) }
    file = nil
    return memory.take()
  }
}
