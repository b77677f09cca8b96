import HTTP
public import Memory

/// What a file server says to a request.
public enum FileAnswer: ~Copyable {
  /// The cache does not know: `FileServer.question` says what a file thread is to find out.
  case cold
  /// 404, or the route's fallback.
  case notFound
  /// 403, 405, 412, 416 or 503 (too many responses under way). Fields that belong to it, such as
  /// Allow, were appended to the buffer; the body is the caller's.
  case refused(status: Int)
  /// 200, 206 or 304: its fields were appended to the buffer, its body waits.
  case response(FileResponse)

  public var isCold: Bool {
    switch self {
    case .cold: true
    default: false
    }
  }
}

/// What the next bytes of a response's body are.
public enum FilePiece: Equatable, Sendable {
  /// Nothing more.
  case end
  /// Text between the parts: `FileServer.append` writes it.
  case text
  /// Bytes of content in memory, which `FileServer.append` copies.
  case memory(offset: Int, count: Int)
  /// Bytes of `FileServer[fileOf:]`.
  case file(offset: Int, count: Int)
  /// The same, but to read them may take its time: a file thread does (`FileRead`).
  case remote(offset: Int, count: Int)
}

/// A response under way: how far its body has been sent.
///
/// It holds on to what it sends from, whatever becomes of the cache and the file's name, until
/// it is handed to `FileServer.finish`.
public struct FileResponse: ~Copyable {
  public let status: Int
  /// Of the body as the head announces it, also when there is none because of HEAD; 0 for 304.
  public let contentLength: Int
  /// What the body comes from.
  public let source: Handle
  /// Whether the source is held until `finish`.
  let isPinned: Bool
  private let isInMemory: Bool
  private let isRemote: Bool
  /// What has not been sent of the part under way.
  private var rest: Range<Int>
  let multipart: Multipart?
  /// The number of the part whose head comes next; one more than there are when the body ends.
  private var nextPart: Int

  init(_ reply: FileReply, source: Handle, isInMemory: Bool, isRemote: Bool) {
    status = reply.status
    contentLength = reply.contentLength
    self.source = source
    self.isInMemory = isInMemory
    self.isRemote = isRemote
    isPinned = reply.hasBody
    rest = reply.first
    multipart = reply.multipart
    nextPart = 0
  }

  public var piece: FilePiece {
    if !rest.isEmpty {
      let (offset, count) = (rest.lowerBound, rest.count)
      if isInMemory { return .memory(offset: offset, count: count) }
      return isRemote
        ? .remote(offset: offset, count: count) : .file(offset: offset, count: count)
    }
    guard let multipart, nextPart <= multipart.parts.count else { return .end }
    return .text
  }

  /// Takes `count` bytes of a `memory`, `file` or `remote` piece as sent.
  public mutating func advance(by count: Int) {
    precondition(count >= 0 && count <= rest.count)
    rest = rest.lowerBound + count..<rest.upperBound
  }

  /// The part whose head comes next, nil for what stands behind the last one; the part is under
  /// way afterwards.
  mutating func beginPart() -> ByteRange? {
    guard let multipart else { preconditionFailure("one part has no text") }
    defer { nextPart += 1 }
    guard nextPart < multipart.parts.count else { return nil }
    let part = multipart.parts[nextPart]
    rest = part.offset..<part.offset + part.count
    return part
  }
}

/// What an entry answers, before it is known where the body comes from.
struct FileReply: Equatable, Sendable {
  var status: Int
  var contentLength = 0
  var first = 0..<0
  var multipart: Multipart?

  mutating func removeBody() {
    first = 0..<0
    multipart = nil
  }

  var hasBody: Bool { !first.isEmpty || multipart != nil }
}
