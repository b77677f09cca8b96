import HTTP
public import Memory
import Reactor

/// What a worker asks a file thread: what a path leads to, which representation of it a client
/// gets, and whether that is still what was known.
public final class FileQuestion: Sendable {
  /// What is asked, whoever asks: two questions with the same key have the same answer.
  public struct Key: Hashable, Sendable {
    let route: Int
    let path: [UInt8]
    let site: [UInt8]
    /// Codings of siblings that will do.
    let codings: CodingSet
    let compression: Compression
    /// What is kept compressed is to be compressed once more, as well as can be, and there is time.
    let isThorough: Bool
  }

  /// Whether the file is wanted compressed, if no sibling will do.
  enum Compression: UInt8, Sendable {
    case none
    /// If its size and its media type are eligible.
    case ifEligible
    /// If its size is: the client is given another media type, which is eligible.
    case ifLargeEnough
  }

  /// What was known when the question was put.
  struct Known: Sendable {
    let sighting: FileSighting
    /// Whether a file that still looks like this has this content.
    let isSettled: Bool
  }

  public let key: Key
  let route: FileRoute
  /// By `Representation`.
  let known: [Representation: Known]
  /// The largest file that is read into memory.
  let contentLimit: Int
  /// The largest file that is compressed.
  let compressibleLimit: Int
  /// When it was put.
  let askedAt: Instant

  init(
    _ key: Key, route: FileRoute, known: [Representation: Known], contentLimit: Int,
    compressibleLimit: Int, askedAt: Instant
  ) {
    self.key = key
    self.route = route
    self.known = known
    self.contentLimit = contentLimit
    self.compressibleLimit = compressibleLimit
    self.askedAt = askedAt
  }

  /// The path, for whoever reads what went wrong.
  public var pathText: String { String(decoding: key.path, as: UTF8.self) }

  /// Writes the path, and what stands for the route's variable, where another attempt to answer
  /// wants them.
  public func restore(path: inout ByteBuffer, site: inout ByteBuffer) {
    let key = self.key
    path.clear()
    path.append(key.path.span)
    site.clear()
    site.append(key.site.span)
  }
}

/// What the disk said to a question.
struct FileFindings: ~Copyable, Sendable {
  /// What is to be told of one representation.
  enum Finding: ~Copyable, Sendable {
    /// It looks like what was known, and is.
    case unchanged
    case found(FoundFile)
  }

  /// The file system is in trouble: then there is nothing else.
  private(set) var error: SystemError?
  var file: Finding?
  /// What the client gets instead of the file, if it gets something else.
  var coded: Finding?
  var representation = Representation.file
  /// What the file's name tells.
  var type = ""
  var cacheControl: String?

  /// Nothing to tell.
  init() {}
  init(error: SystemError) { self.error = error }
  init(_ file: consuming Finding) { self.file = consume file }
}
