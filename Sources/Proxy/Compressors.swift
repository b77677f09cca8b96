import CLibraries
import Memory
import Reactor

/// The streams in which a worker compresses answers, and the room for what comes out of them.
///
/// They are large (`GzipStream`), so there is a bound on them, and who finds none free sends its
/// answer as it is. An answer holds one only until its server has finished, however slow the
/// client: 32 at once are more than servers behind one worker answer at once, and 5 MiB (zlib's
/// 8 MiB). What a burst leaves behind beyond a few is freed.
struct Compressors: ~Copyable {
  static let limit = 32
  static let keptLimit = 8

  var streams = Slab<GzipStream>(capacity: limit)
  /// Streams that no answer holds now.
  private var free: [Handle] = []
  /// What has come out of a stream and is not yet framed: it fits the worker's `scratch` with
  /// its frame.
  var piece = ByteBuffer()

  init() { free.reserveCapacity(Self.keptLimit) }

  /// How many streams answers hold now.
  var taken: Int { streams.count - free.count }

  /// A stream for another body; nil when all are taken.
  mutating func take(_ level: GzipStream.Level) -> Handle? {
    if piece.capacity == 0 { piece = ByteBuffer(capacity: (16 << 10) - Exchange.framingSpace) }
    while let stream = free.popLast() {
      if streams[stream].level == level {
        streams[stream].reset()
        return stream
      }
      // A reload has changed the level.
      streams.discard(stream)
    }
    return streams.isFull ? nil : streams.insert(GzipStream(level: level))
  }

  mutating func give(_ stream: Handle) {
    guard free.count < Self.keptLimit else { return streams.discard(stream) }
    free.append(stream)
  }
}

extension GzipStream.Level {
  /// How much input counts as one piece of `Worker.pieceBudget`, in bytes: so much that what one
  /// answer is given in a turn takes well under a millisecond, at 64 KiB for ISA-L (1 GB/s) and
  /// zlib's first levels (100 MB/s), 32 KiB for its middle ones (50 MB/s), 16 KiB for the last
  /// (20 MB/s).
  var pieceBytes: Int {
    switch self {
    case .fast, .zlib(...3): 4096
    case .zlib(4...6): 2048
    case .zlib: 1024
    }
  }
}
