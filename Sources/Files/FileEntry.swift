import HTTP
import Memory
import Reactor

/// One representation that the cache knows: a file, what stands for it, or that there is none.
struct FileEntry: ~Copyable {
  // What it is asked for by.
  let hash: UInt64
  let route: Int
  let representation: Representation
  private let siteCount: Int
  private let keyCount: Int

  // What was found.
  let sighting: FileSighting
  private(set) var file: OpenFile?
  /// Without room, when it is not in memory.
  let content: ByteBuffer

  // What is said of it. `text` holds the key (site, then path), then lines of a head:
  //   Content-Type | Last-Modified, ETag | Cache-Control | Vary | Content-Encoding | lengths
  // A 200 has all of them, a 304 those from Last-Modified to Vary, a 206 all but the last. Who
  // asks may have another Content-Type, and may leave Cache-Control out.
  private let text: ByteBuffer
  private let typeEnd: Int
  private let tag: Range<Int>
  private let validatorsEnd: Int
  private let cacheControlEnd: Int
  private let varyEnd: Int
  private let codingEnd: Int
  private let modified: HTTPDate

  // Its life in the cache.
  /// When the disk last said that this is how things are.
  var checkedAt: Instant
  /// When this very file had certainly been seen, and before which it had not been read.
  let firstSeenAt: Instant
  private let loadedAt: Instant
  /// Responses that still need what is open or held here.
  var pins = 0
  /// Whether it can be found; otherwise it goes with its last pin.
  var isListed = false
  /// Whether it was asked for since the cache last looked for something to give up.
  var wasUsed = false
  /// Whether the disk is being asked, or should be, though this is still served meanwhile.
  var isAskedAbout = false

  /// A time stamp may be this coarse (FAT and old SMB: 2 s): within it a file can change and
  /// keep its stamp.
  private static var coarsestStamp: Instant { 2_000_000_000 }

  init(
    hash: UInt64, route: Int, representation: Representation, path: Span<UInt8>,
    site: Span<UInt8>, found: consuming FoundFile, type: String, cacheControl: String?,
    firstSeenAt: Instant, loadedAt: Instant, now: Instant
  ) {
    self.hash = hash
    self.route = route
    self.representation = representation
    sighting = found.sighting
    file = found.file
    content = found.content
    checkedAt = now
    self.loadedAt = loadedAt
    self.firstSeenAt = firstSeenAt
    siteCount = site.count
    keyCount = site.count + path.count

    let room = keyCount + type.utf8.count + (cacheControl?.utf8.count ?? 0) + 320
    var text = ByteBuffer(capacity: sighting.outcome == .file ? room : max(keyCount, 1))
    text.append(site)
    text.append(path)
    guard sighting.outcome == .file, let status = sighting.status else {
      modified = HTTPDate(seconds: 0)
      tag = 0..<0
      (typeEnd, validatorsEnd, cacheControlEnd) = (keyCount, keyCount, keyCount)
      (varyEnd, codingEnd) = (keyCount, keyCount)
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
    EntityTag(modified: modified, size: status.size, coding: representation.coding).append(
      to: &text)
    tag = tagStart..<text.count
    text.append("\r\n")
    validatorsEnd = text.count
    if let cacheControl {
      text.append("Cache-Control: ")
      text.append(cacheControl)
      text.append("\r\n")
    }
    cacheControlEnd = text.count
    if representation != .file || !sighting.siblings.isEmpty {
      text.append("Vary: Accept-Encoding\r\n")
    }
    varyEnd = text.count
    switch representation.coding {
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

  var isOpen: Bool { file != nil }
  /// Whether it is sent from a file that only file threads read.
  var isRemote: Bool { file?.isRemote ?? false }

  mutating func takeFile() -> OpenFile? { file.take() }

  /// Whether it is what is asked for.
  func isFor(
    route: Int, representation: Representation, path: Span<UInt8>, site: Span<UInt8>
  ) -> Bool {
    guard route == self.route, representation == self.representation, site.count == siteCount,
      site.count + path.count == keyCount
    else { return false }
    let key = text.readable
    for i in site.indices where key[i] != site[i] { return false }
    for i in path.indices where key[siteCount + i] != path[i] { return false }
    return true
  }

  /// Whether a file that still looks like this one still has this content: not, when it could
  /// have changed while its time stamp stood still.
  var isSettled: Bool {
    !isInMemory || loadedAt >= firstSeenAt &+ FileEntry.coarsestStamp
  }

  // MARK: Answering

  /// Judges conditions and ranges, and appends the fields of the answer to `buffer`.
  ///
  /// - Parameter type: the media type that the answer has; empty for the file's own.
  /// - Precondition: the entry is a file, the method GET or HEAD.
  func answer(
    _ request: FileRequest, in head: Span<UInt8>, type: Span<UInt8>, boundary: UInt64,
    rangesLimit: Int, into buffer: inout ByteBuffer
  ) -> FileReply {
    let tagBytes = text.readable.extracting(tag)
    switch request.conditions.evaluate(
      in: head, tag: tagBytes, modified: modified, rules: .nginx)
    {
    case .failed: return FileReply(status: 412)
    case .notModified:
      append(typeEnd..<varyEnd, request, to: &buffer)
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
      let start = appendType(type, to: &buffer)
      append(start..<text.count, request, to: &buffer)
      return FileReply(status: 200, contentLength: size, first: 0..<size)

    case .single(let part):
      let start = appendType(type, to: &buffer)
      append(start..<codingEnd, request, to: &buffer)
      buffer.append("Content-Length: ")
      buffer.append(decimal: UInt64(part.count))
      buffer.append("\r\n")
      appendContentRange(of: part, to: &buffer)
      return FileReply(
        status: 206, contentLength: part.count, first: part.offset..<part.offset + part.count)

    case .several(let parts):
      let multipart = Multipart(
        boundary: boundary, parts: parts, type: type.indices.map { type[$0] })
      let length = multipart.length(typeLineCount: typeLineCount(type), size: size)
      buffer.append("Content-Type: multipart/byteranges; boundary=")
      multipart.appendBoundary(to: &buffer)
      buffer.append("\r\nContent-Length: ")
      buffer.append(decimal: UInt64(length))
      buffer.append("\r\n")
      append(typeEnd..<codingEnd, request, to: &buffer)
      return FileReply(status: 206, contentLength: length, multipart: multipart)

    case .unsatisfiable:
      buffer.append("Content-Range: bytes */")
      buffer.append(decimal: UInt64(size))
      buffer.append("\r\n")
      return FileReply(status: 416)
    }
  }

  /// Appends the line of another type than the file's own, if there is one; answers where in
  /// `text` the answer goes on.
  private func appendType(_ type: Span<UInt8>, to buffer: inout ByteBuffer) -> Int {
    guard !type.isEmpty else { return keyCount }
    buffer.append("Content-Type: ")
    buffer.append(type)
    buffer.append("\r\n")
    return typeEnd
  }

  private func typeLineCount(_ type: Span<UInt8>) -> Int {
    type.isEmpty ? typeEnd - keyCount : "Content-Type: \r\n".utf8.count + type.count
  }

  /// Appends a part of `text`, without Cache-Control where the request does without.
  private func append(
    _ range: Range<Int>, _ request: FileRequest, to buffer: inout ByteBuffer
  ) {
    guard request.omitsCacheControl else {
      return buffer.append(text.readable.extracting(range))
    }
    buffer.append(text.readable.extracting(range.lowerBound..<validatorsEnd))
    buffer.append(text.readable.extracting(cacheControlEnd..<range.upperBound))
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
    let start = appendType(multipart.type.span, to: &buffer)
    buffer.append(text.readable.extracting(start..<typeEnd))
    appendContentRange(of: part, to: &buffer)
    buffer.append("\r\n")
  }

  /// Bytes that a part's head can take.
  func partHeadLimit(_ multipart: borrowing Multipart) -> Int {
    typeLineCount(multipart.type.span) + 128
  }
}
