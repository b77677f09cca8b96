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
  let file: OpenFile?
  /// Without room, when it is not in memory.
  let content: ByteBuffer
  /// It was compressed as well as can be.
  let isThorough: Bool

  // What is said of it. `text` holds the key (site, then path), then lines of a head:
  //   Vary | Content-Type | Last-Modified, ETag | Cache-Control | Content-Encoding | lengths
  // A 200 has all of them, a 206 all but the last, a 304 those from Last-Modified to
  // Cache-Control. Not all have Vary; who asks may have another Content-Type, and may leave
  // Cache-Control out.
  private let text: ByteBuffer
  private let varyEnd: Int
  private let typeEnd: Int
  private let tag: Range<Int>
  private let validatorsEnd: Int
  private let cacheControlEnd: Int
  private let codingEnd: Int
  private let modified: HTTPDate
  /// Whether the file's type and size make it worth being compressed.
  let isCompressible: Bool

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
  /// How often it was sent before it was worth being compressed as well as can be.
  private var sends: UInt8 = 0

  /// A time stamp may be this coarse (FAT and old SMB: 2 s): within it a file can change and
  /// keep its stamp.
  private static var coarsestStamp: Instant { 2_000_000_000 }

  init(
    hash: UInt64, route: Int, representation: Representation, path: Span<UInt8>,
    site: Span<UInt8>, found: consuming FoundFile, type: String, cacheControl: String?,
    compression: GzipRule?, firstSeenAt: Instant, loadedAt: Instant, now: Instant
  ) {
    self.hash = hash
    self.route = route
    self.representation = representation
    sighting = found.sighting
    file = found.file
    isThorough = found.isThorough
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
      (varyEnd, typeEnd, validatorsEnd) = (keyCount, keyCount, keyCount)
      (cacheControlEnd, codingEnd) = (keyCount, keyCount)
      isCompressible = false
      self.text = text
      return
    }
    text.append("Vary: Accept-Encoding\r\n")
    varyEnd = text.count
    text.append("Content-Type: ")
    text.append(text: type)
    text.append("\r\n")
    typeEnd = text.count
    modified = HTTPDate(seconds: status.modifiedSeconds)
    text.append("Last-Modified: ")
    modified.append(to: &text)
    text.append("\r\nETag: ")
    if representation == .compressed { text.append("W/") }
    let tagStart = text.count
    let coding = representation == .compressed ? .identity : representation.coding
    EntityTag(modified: modified, size: status.size, coding: coding).append(to: &text)
    tag = tagStart..<text.count
    text.append("\r\n")
    validatorsEnd = text.count
    if let cacheControl {
      text.append("Cache-Control: ")
      text.append(text: cacheControl)
      text.append("\r\n")
    }
    cacheControlEnd = text.count
    switch representation.coding {
    case .identity: break
    case .gzip: text.append("Content-Encoding: gzip\r\n")
    case .brotli: text.append("Content-Encoding: br\r\n")
    }
    codingEnd = text.count
    if representation != .compressed { text.append("Accept-Ranges: bytes\r\n") }
    text.append("Content-Length: ")
    text.append(
      decimal: UInt64(representation == .compressed ? content.count : status.size))
    text.append("\r\n")
    self.text = text
    isCompressible =
      representation == .file
      && FileEntry.isCompressible(type.utf8.span, size: status.size, by: compression)
  }

  /// Whether a file of a type and size is to be compressed.
  static func isCompressible(_ type: Span<UInt8>, size: Int, by rule: GzipRule?) -> Bool {
    guard let rule, size > 0 else { return false }
    return rule.isEligible(status: 200, contentType: type, length: UInt64(size))
  }

  /// Of what is sent.
  ///
  /// - Precondition: the entry is a file.
  var size: Int {
    guard let status = sighting.status else { preconditionFailure("no file has no size") }
    return representation == .compressed ? content.count : status.size
  }

  var isInMemory: Bool { content.capacity > 0 }

  var isOpen: Bool { file != nil }
  /// Whether it is sent from a file that only file threads read.
  var isRemote: Bool { file?.isRemote ?? false }

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

  /// Whether this is what came of compressing that very file.
  func isMade(from file: borrowing FileEntry, now: Instant) -> Bool {
    guard sighting.status == file.sighting.status else { return false }
    // What did not become smaller, or found no room, may do better later.
    guard isInMemory else { return now &- loadedAt <= FileEntry.compressionPause }
    // Otherwise the file may have changed since, and only looks the same.
    return isSettled || checkedAt >= file.checkedAt
  }

  private static var compressionPause: Instant { 60_000_000_000 }

  /// Takes notice that what was compressed quickly is sent; answers, once, whether it has been
  /// asked for often enough to be compressed as well as can be. What could still change without
  /// showing it would have to be compressed again.
  mutating func noteSend() -> Bool {
    guard !isThorough, sends < FileEntry.thoroughAfter, isSettled else { return false }
    sends += 1
    return sends == FileEntry.thoroughAfter
  }

  private static var thoroughAfter: UInt8 { 3 }

  // MARK: Answering

  /// What the conditions of a request come to.
  func judge(_ conditions: Conditions, in head: Span<UInt8>) -> Conditions.Outcome {
    conditions.evaluate(
      in: head, tag: text.readable.extracting(tag), modified: modified, rules: .nginx)
  }

  /// Judges conditions and ranges, and appends the fields of the answer to `buffer`.
  ///
  /// What was compressed here is always sent whole, as nginx does, whose `gzip` comes before its
  /// ranges; its conditions are those of its file.
  ///
  /// - Parameters:
  ///   - type: the media type that the answer has; empty for the file's own.
  ///   - varies: whether others get the file compressed, which a 304 does not tell.
  /// - Precondition: the entry is a file, the method GET or HEAD.
  func answer(
    _ request: FileRequest, in head: Span<UInt8>, type: Span<UInt8>, varies: Bool,
    boundary: UInt64, rangesLimit: Int, into buffer: inout ByteBuffer
  ) -> FileReply {
    let hasSiblings = representation != .file || !sighting.siblings.isEmpty
    var ranges = ByteRanges.whole
    if representation != .compressed {
      switch judge(request.conditions, in: head) {
      case .failed: return FileReply(status: 412)
      case .notModified:
        if hasSiblings { buffer.append(text.readable.extracting(keyCount..<varyEnd)) }
        append(typeEnd..<cacheControlEnd, request, to: &buffer)
        return FileReply(status: 304)
      case .holds: break
      }
      if let range = request.range,
        request.conditions.rangeApplies(
          in: head, tag: text.readable.extracting(tag), modified: modified)
      {
        ranges = ByteRanges.parse(head.extracting(range), size: size, limit: rangesLimit)
      }
    }
    let start = hasSiblings || varies ? keyCount : varyEnd
    switch ranges {
    case .whole:
      appendHead(start..<text.count, type, request, to: &buffer)
      return FileReply(status: 200, contentLength: size, first: 0..<size)

    case .single(let part):
      appendHead(start..<codingEnd, type, request, to: &buffer)
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
      buffer.append(text.readable.extracting(start..<varyEnd))
      append(typeEnd..<codingEnd, request, to: &buffer)
      return FileReply(status: 206, contentLength: length, multipart: multipart)

    case .unsatisfiable:
      buffer.append(text.readable.extracting(start..<varyEnd))
      buffer.append("Content-Range: bytes */")
      buffer.append(decimal: UInt64(size))
      buffer.append("\r\n")
      return FileReply(status: 416)
    }
  }

  /// Appends a part of `text` from before Content-Type on, with another type if one is given.
  private func appendHead(
    _ range: Range<Int>, _ type: Span<UInt8>, _ request: FileRequest,
    to buffer: inout ByteBuffer
  ) {
    guard !type.isEmpty else { return append(range, request, to: &buffer) }
    buffer.append(text.readable.extracting(range.lowerBound..<varyEnd))
    appendType(type, to: &buffer)
    append(typeEnd..<range.upperBound, request, to: &buffer)
  }

  private func appendType(_ type: Span<UInt8>, to buffer: inout ByteBuffer) {
    buffer.append("Content-Type: ")
    buffer.append(type)
    buffer.append("\r\n")
  }

  private func typeLineCount(_ type: Span<UInt8>) -> Int {
    type.isEmpty ? typeEnd - varyEnd : "Content-Type: \r\n".utf8.count + type.count
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
    if multipart.type.isEmpty {
      buffer.append(text.readable.extracting(varyEnd..<typeEnd))
    } else {
      appendType(multipart.type.span, to: &buffer)
    }
    appendContentRange(of: part, to: &buffer)
    buffer.append("\r\n")
  }

  /// Bytes that a part's head can take.
  func partHeadLimit(_ multipart: borrowing Multipart) -> Int {
    typeLineCount(multipart.type.span) + 128
  }
}
