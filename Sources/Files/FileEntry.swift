import HTTP
import Memory
import Reactor

/// One representation that the cache knows: a file, a precompressed sibling, or that there is
/// none.
struct FileEntry: ~Copyable {
  // What it is asked for by.
  let hash: UInt64
  let route: Int
  let coding: ContentCoding
  private let hostCount: Int
  private let keyCount: Int

  // What was found.
  let sighting: FileSighting
  private var descriptor: Descriptor?
  let isOpen: Bool
  /// Without room, when it is not in memory.
  let content: ByteBuffer

  // What is said of it. `text` holds the key (host, then path), then lines of a head:
  //   Content-Type | Last-Modified, ETag, Vary, Cache-Control | Content-Encoding | lengths
  // A 200 has all of them, a 304 the second group, a 206 all but the last.
  private let text: ByteBuffer
  private let typeEnd: Int
  private let tag: Range<Int>
  private let validatorsEnd: Int
  private let codingEnd: Int
  private let modified: HTTPDate

  // Its life in the cache.
  /// When the disk last said that this is how things are.
  var checkedAt: Instant
  /// When this very file was seen first.
  let firstSeenAt: Instant
  private let loadedAt: Instant
  /// Responses that still need what is open or held here.
  var pins = 0
  /// Whether it can be found; otherwise it goes with its last pin.
  var isListed = false
  /// Whether it was asked for since the cache last looked for something to give up.
  var wasUsed = false

  /// A time stamp may be this coarse (FAT and old SMB: 2 s): within it a file can change and
  /// keep its stamp.
  private static var coarsestStamp: Instant { 2_000_000_000 }

  init(
    hash: UInt64, route: Int, coding: ContentCoding, path: Span<UInt8>, host: Span<UInt8>,
    found: consuming FoundFile, type: String, cacheControl: String?, firstSeenAt: Instant,
    now: Instant
  ) {
    self.hash = hash
    self.route = route
    self.coding = coding
    sighting = found.sighting
    isOpen = found.descriptor != nil
    descriptor = found.descriptor.take()
    content = found.content
    checkedAt = now
    loadedAt = now
    self.firstSeenAt = firstSeenAt
    hostCount = host.count
    keyCount = host.count + path.count

    let room = keyCount + type.utf8.count + (cacheControl?.utf8.count ?? 0) + 320
    var text = ByteBuffer(capacity: sighting.outcome == .file ? room : max(keyCount, 1))
    text.append(host)
    text.append(path)
    guard sighting.outcome == .file, let status = sighting.status else {
      modified = HTTPDate(seconds: 0)
      tag = 0..<0
      (typeEnd, validatorsEnd, codingEnd) = (keyCount, keyCount, keyCount)
      self.text = text
      return
    }
    text.append("Content-Type: ")
    text.append(type)
    text.append("\r\n")
    typeEnd = text.count
    modified = HTTPDate(seconds: status.modifiedSeconds)
    text.append("Last-Modified: ")
    modified.append(to: &text)
    text.append("\r\nETag: ")
    let tagStart = text.count
    EntityTag(modified: modified, size: status.size, coding: coding).append(to: &text)
    tag = tagStart..<text.count
    text.append("\r\n")
    if coding != .identity || !sighting.siblings.isEmpty {
      text.append("Vary: Accept-Encoding\r\n")
    }
    if let cacheControl {
      text.append("Cache-Control: ")
      text.append(cacheControl)
      text.append("\r\n")
    }
    validatorsEnd = text.count
    switch coding {
    case .identity: break
    case .gzip: text.append("Content-Encoding: gzip\r\n")
    case .brotli: text.append("Content-Encoding: br\r\n")
    }
    codingEnd = text.count
    text.append("Accept-Ranges: bytes\r\nContent-Length: ")
    text.append(decimal: UInt64(status.size))
    text.append("\r\n")
    self.text = text
  }

  /// - Precondition: the entry is a file.
  var size: Int {
    guard let status = sighting.status else { preconditionFailure("no file has no size") }
    return status.size
  }

  var isInMemory: Bool { content.capacity > 0 }

  /// - Precondition: the file is open.
  var openDescriptor: Descriptor {
    _read { yield descriptor! }
  }

  /// Whether it is what is asked for.
  func isFor(route: Int, coding: ContentCoding, path: Span<UInt8>, host: Span<UInt8>) -> Bool {
    guard route == self.route, coding == self.coding, host.count == hostCount,
      host.count + path.count == keyCount
    else { return false }
    let key = text.readable
    for i in host.indices where key[i] != host[i] { return false }
    for i in path.indices where key[hostCount + i] != path[i] { return false }
    return true
  }

  /// Whether a file that still looks like this one still has this content: not, when it could
  /// have changed while its time stamp stood still.
  var isSettled: Bool {
    !isInMemory || loadedAt &- firstSeenAt >= FileEntry.coarsestStamp
  }

  // MARK: Answering

  /// Judges conditions and ranges, and appends the fields of the answer to `buffer`.
  ///
  /// - Precondition: the entry is a file, the method GET or HEAD.
  func answer(
    _ request: FileRequest, in head: Span<UInt8>, boundary: UInt64, rangesLimit: Int,
    into buffer: inout ByteBuffer
  ) -> FileReply {
    let tagBytes = text.readable.extracting(tag)
    switch request.conditions.evaluate(
      in: head, tag: tagBytes, modified: modified, rules: .nginx)
    {
    case .failed: return FileReply(status: 412)
    case .notModified:
      buffer.append(text.readable.extracting(typeEnd..<validatorsEnd))
      return FileReply(status: 304)
    case .holds: break
    }

    var ranges = ByteRanges.whole
    if let range = request.range,
      request.conditions.rangeApplies(in: head, tag: tagBytes, modified: modified)
    {
      ranges = ByteRanges.parse(head.extracting(range), size: size, limit: rangesLimit)
    }
    switch ranges {
    case .whole:
      buffer.append(text.readable.extracting(keyCount..<text.count))
      return FileReply(status: 200, contentLength: size, first: 0..<size)

    case .single(let part):
      buffer.append(text.readable.extracting(keyCount..<codingEnd))
      buffer.append("Content-Length: ")
      buffer.append(decimal: UInt64(part.count))
      buffer.append("\r\n")
      appendContentRange(of: part, to: &buffer)
      return FileReply(
        status: 206, contentLength: part.count, first: part.offset..<part.offset + part.count)

    case .several(let parts):
      let multipart = Multipart(boundary: boundary, parts: parts)
      let length = multipart.length(typeLineCount: typeEnd - keyCount, size: size)
      buffer.append("Content-Type: multipart/byteranges; boundary=")
      multipart.appendBoundary(to: &buffer)
      buffer.append("\r\nContent-Length: ")
      buffer.append(decimal: UInt64(length))
      buffer.append("\r\n")
      buffer.append(text.readable.extracting(typeEnd..<codingEnd))
      return FileReply(status: 206, contentLength: length, multipart: multipart)

    case .unsatisfiable:
      buffer.append("Content-Range: bytes */")
      buffer.append(decimal: UInt64(size))
      buffer.append("\r\n")
      return FileReply(status: 416)
    }
  }

  /// `Content-Range: bytes 0-4/20` and a line's end (RFC 9110 §14.4).
  private func appendContentRange(of part: ByteRange, to buffer: inout ByteBuffer) {
    buffer.append("Content-Range: bytes ")
    buffer.append(decimal: UInt64(part.offset))
    buffer.append(UInt8(ascii: "-"))
    buffer.append(decimal: UInt64(part.offset + part.count - 1))
    buffer.append(UInt8(ascii: "/"))
    buffer.append(decimal: UInt64(size))
    buffer.append("\r\n")
  }

  /// What stands before a part of a multipart body (RFC 9110 §14.6), as nginx writes it.
  func appendPartHead(
    _ part: ByteRange, of multipart: borrowing Multipart, to buffer: inout ByteBuffer
  ) {
    buffer.append("\r\n--")
    multipart.appendBoundary(to: &buffer)
    buffer.append("\r\n")
    buffer.append(text.readable.extracting(keyCount..<typeEnd))
    appendContentRange(of: part, to: &buffer)
    buffer.append("\r\n")
  }

  /// Bytes that a part's head can take.
  var partHeadLimit: Int { typeEnd - keyCount + 128 }
}
