private import CISAL
private import CZlib

/// Compresses one body after another to gzip (RFC 1952), piece by piece.
///
/// Room is the caller's: each call takes what input it can and writes what fits, and what did
/// not fit comes with the next call, in order. The state is large (`fast` 165 KiB, zlib 262 KiB)
/// and allocated once: `reset` makes a stream new for another body.
@safe public struct GzipStream: ~Copyable {
  /// How much time is given for how small a result.
  public enum Level: Equatable, Sendable {
    /// ISA-L at its level 1: about as small as zlib's level 1 and five times as fast.
    ///
    /// Its level 0 takes two thirds of the time and leaves 20 % more bytes; its level 2 gains 1 %.
    case fast
    /// zlib, 1 … 9; what is outside counts as the nearest of these. nginx: `gzip_comp_level`.
    case zlib(Int)
  }

  @unsafe private enum Engine {
    case isal(UnsafeMutablePointer<isal_zstream>, work: UnsafeMutablePointer<UInt8>)
    case zlib(UnsafeMutablePointer<z_stream>)
  }

  /// What a call is for.
  private enum Purpose { case more, flush, finish }

  public let level: Level
  private let engine: Engine
  /// Bytes have been taken since the last flush was complete.
  public private(set) var holdsInput = false
  /// The stream is whole: nothing more comes out of it.
  public private(set) var isFinished = false

  public init(level: Level) {
    self.level = level
    switch level {
    case .fast:
      let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
      let work = UnsafeMutablePointer<UInt8>.allocate(capacity: CISAL_LEVEL_1_BYTES)
      unsafe isal_deflate_init(stream)
      unsafe stream.pointee.level = 1
      unsafe stream.pointee.level_buf = work
      unsafe stream.pointee.level_buf_size = UInt32(CISAL_LEVEL_1_BYTES)
      unsafe stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
      unsafe engine = .isal(stream, work: work)
    case .zlib(let number):
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: z_stream())
      let status = unsafe czlib_begin_gzip(stream, CInt(min(max(number, 1), 9)))
      // Its arguments are right by what stands here.
      precondition(status == Z_OK, "out of memory")
      unsafe engine = .zlib(stream)
    }
  }

  deinit {
    switch unsafe engine {
    case .isal(let stream, let work):
      unsafe stream.deallocate()
      unsafe work.deallocate()
    case .zlib(let stream):
      unsafe deflateEnd(stream)
      unsafe stream.deallocate()
    }
  }

  /// Forgets the body that was begun, however far it has come, for another one.
  public mutating func reset() {
    holdsInput = false
    isFinished = false
    switch unsafe engine {
    case .isal(let stream, _):
      unsafe isal_deflate_reset(stream)
      // Writing the header has turned it off.
      unsafe stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
      unsafe stream.pointee.end_of_stream = 0
      unsafe stream.pointee.flush = UInt16(NO_FLUSH)
    case .zlib(let stream):
      unsafe deflateReset(stream)
    }
  }

  /// Takes input from the front of `input`; answers how many bytes that was.
  ///
  /// Fewer than all were taken only if `output` is full now.
  public mutating func compress(
    _ input: Span<UInt8>, into output: inout OutputSpan<UInt8>
  ) -> Int {
    guard !input.isEmpty, !isFinished, output.freeCapacity > 0 else { return 0 }
    holdsInput = true
    return run(.more, input, &output).taken
  }

  /// The least room in which a flush gets on.
  public static var flushSpace: Int { 16 }

  /// Writes out all that was taken so far, so that the other side can read it (a sync flush);
  /// true when that is done, false when `output` is full before. Once begun it is to be repeated
  /// until it is done. With less room than `flushSpace` nothing is written: zlib would begin
  /// again and again.
  ///
  /// Where nothing was taken since the last flush, nothing is written.
  public mutating func flush(into output: inout OutputSpan<UInt8>) -> Bool {
    guard holdsInput, !isFinished else { return true }
    guard output.freeCapacity >= Self.flushSpace else { return false }
    let isDone = run(.flush, Span(), &output).isDone
    if isDone { holdsInput = false }
    return isDone
  }

  /// Ends the body; true when all of it has been written, false when `output` is full before.
  /// Once begun it is to be repeated until it is done.
  public mutating func finish(into output: inout OutputSpan<UInt8>) -> Bool {
    guard !isFinished else { return true }
    guard output.freeCapacity > 0 else { return false }
    isFinished = run(.finish, Span(), &output).isDone
    if isFinished { holdsInput = false }
    return isFinished
  }

  private mutating func run(
    _ purpose: Purpose, _ input: Span<UInt8>, _ output: inout OutputSpan<UInt8>
  ) -> (taken: Int, isDone: Bool) {
    var taken = 0
    while true {
      let rest = input.extracting(droppingFirst: taken)
      let room = output.freeCapacity
      let step = unsafe rest.withUnsafeBufferPointer { bytes in
        unsafe output.withUnsafeMutableBufferPointer { buffer, count in
          let space = unsafe UnsafeMutableBufferPointer(rebasing: buffer[count...])
          let step = unsafe self.step(purpose, bytes, space)
          count += step.written
          return step
        }
      }
      taken += step.taken
      if step.isDone || output.freeCapacity == 0 { return (taken, step.isDone) }
      let isStuck = step.taken == 0 && output.freeCapacity == room
      if isStuck || (purpose == .more && taken == input.count) { return (taken, false) }
    }
  }

  private typealias Step = (taken: Int, written: Int, isDone: Bool)

  /// One call of the library, which reads and writes no more than the lengths it is told.
  private func step(
    _ purpose: Purpose, _ input: UnsafeBufferPointer<UInt8>,
    _ output: UnsafeMutableBufferPointer<UInt8>
  ) -> Step {
    // Both libraries count in 32 bits; the caller comes again for the rest.
    let offered = UInt32(clamping: input.count)
    let room = UInt32(clamping: output.count)
    // Neither writes to its input, though the types allow it.
    let source = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
    switch unsafe engine {
    case .isal(let stream, _):
      unsafe stream.pointee.next_in = source
      unsafe stream.pointee.avail_in = offered
      unsafe stream.pointee.next_out = output.baseAddress
      unsafe stream.pointee.avail_out = room
      unsafe stream.pointee.flush = UInt16(purpose == .flush ? SYNC_FLUSH : NO_FLUSH)
      unsafe stream.pointee.end_of_stream = purpose == .finish ? 1 : 0
      let status = unsafe isal_deflate(stream)
      precondition(status == COMP_OK, "level and buffer are set above")
      let isDone =
        switch purpose {
        case .more: false
        case .flush: unsafe cisal_is_flushed(stream) != 0
        case .finish: unsafe cisal_is_finished(stream) != 0
        }
      return unsafe (
        Int(offered - stream.pointee.avail_in), Int(room - stream.pointee.avail_out), isDone
      )
    case .zlib(let stream):
      unsafe stream.pointee.next_in = source
      unsafe stream.pointee.avail_in = offered
      unsafe stream.pointee.next_out = output.baseAddress
      unsafe stream.pointee.avail_out = room
      let how =
        switch purpose {
        case .more: Z_NO_FLUSH
        case .flush: Z_SYNC_FLUSH
        case .finish: Z_FINISH
        }
      // Z_BUF_ERROR only says that nothing could be done for want of room, or of input.
      let status = unsafe deflate(stream, how)
      let isDone =
        switch purpose {
        case .more: false
        // zlib.h: complete when it returns with room left.
        case .flush: unsafe stream.pointee.avail_out > 0
        case .finish: status == Z_STREAM_END
        }
      return unsafe (
        Int(offered - stream.pointee.avail_in), Int(room - stream.pointee.avail_out), isDone
      )
    }
  }
}

extension GzipStream: @unchecked Sendable {}
