import CLibraries
import HTTP
public import Memory
public import Reactor

/// Answers requests for static files, as nginx does, from a cache of its own: one per worker.
///
/// `answer` never waits: it answers from what is known. When it says `cold`, `lookup` asks the
/// disk, which may take what the file system likes, remembers and answers.
public struct FileServer: ~Copyable {
  var routes: [FileRoute] = []
  /// What the hot path wants of each route, without touching the arrays inside.
  private var facts: [RouteFacts] = []
  var cache: FileCache
  var finder = FileFinder()
  var scratch = PatternScratch()
  private let hashSeed: UInt64
  private var boundary: UInt64
  private var responses = 0
  /// A media type that is given for an answer has at most so many bytes; a longer one is not
  /// taken, and the file's own stands.
  public static var typeLimit: Int { 256 }

  /// The most bytes of fields that an answer appends.
  public private(set) var fieldsLimit = 0

  private struct RouteFacts: Sendable {
    /// Whether candidates name a variable, so that its value belongs to the key.
    var usesSite: Bool
    /// The codings of siblings in the order of preference; identity ends them.
    var codings: InlineArray<2, ContentCoding>
  }

  /// - Parameters:
  ///   - routes: answered for by their index.
  ///   - seed: a number nobody can guess, for hashes and boundaries.
  public init(routes: [FileRoute], limits: FileLimits = FileLimits(), seed: UInt64) {
    cache = FileCache(limits: limits)
    hashSeed = seed
    boundary = seed &* 0x9e37_79b9_7f4a_7c15
    install(routes)
  }

  /// Serves other routes from now on and forgets what was known by the old ones; responses under
  /// way go on.
  public mutating func install(_ routes: [FileRoute]) {
    cache.removeAll()
    self.routes = routes
    facts = routes.map { route in
      var codings = InlineArray<2, ContentCoding>(repeating: .identity)
      for (i, coding) in route.precompressed.enumerated() { codings[i] = coding }
      return RouteFacts(
        usesSite: route.variable != nil, codings: codings)
    }
    fieldsLimit = 512 + FileServer.typeLimit + (routes.map(\.longestFields).max() ?? 0)
  }

  public var usage: FileUsage { cache.usage }

  // MARK: Answers

  /// Answers from what is known.
  ///
  /// - Parameters:
  ///   - path: normalised: it begins with a slash, and has no `.` and `..`.
  ///   - site: what the route's variable stands for, in lower case if case does not matter. What
  ///     could not be the name of one directory leads to no file.
  ///   - type: the media type that the answer has whatever the file's name tells; empty for the
  ///     file's own.
  ///   - head: what the places in `request` refer to.
  ///   - buffer: gets the fields that are the file's affair; it has `fieldsLimit` bytes of space.
  public mutating func answer(
    _ request: FileRequest, route: Int, path: Span<UInt8>, site: Span<UInt8>,
    type: Span<UInt8>, head: Span<UInt8>, now: Instant, into buffer: inout ByteBuffer
  ) -> FileAnswer {
    decide(request, route, path, site, type, head, now, mayLook: false, into: &buffer)
  }

  /// Answers after asking the disk for what is not known, or not fresh.
  public mutating func lookup(
    _ request: FileRequest, route: Int, path: Span<UInt8>, site: Span<UInt8>,
    type: Span<UInt8>, head: Span<UInt8>, now: Instant, into buffer: inout ByteBuffer
  ) -> FileAnswer {
    decide(request, route, path, site, type, head, now, mayLook: true, into: &buffer)
  }

  private mutating func decide(
    _ request: FileRequest, _ route: Int, _ path: Span<UInt8>, _ givenSite: Span<UInt8>,
    _ givenType: Span<UInt8>, _ head: Span<UInt8>, _ now: Instant, mayLook: Bool,
    into buffer: inout ByteBuffer
  ) -> FileAnswer {
    guard responses < cache.limits.responses else { return .refused(status: 503) }
    let site = givenSite.extracting(first: facts[route].usesSite ? givenSite.count : 0)
    let type = givenType.extracting(
      first: givenType.count <= FileServer.typeLimit ? givenType.count : 0)
    let hash = FileServer.hash(route, path, site, seed: hashSeed)
    do throws(SystemError) {
      let file: Handle
      switch try find(hash, route, path, site, .identity, of: nil, now, mayLook: mayLook) {
      case .unknown: return .cold
      case .missing: return .notFound
      case .entry(let handle): file = handle
      }
      let outcome = cache[file].sighting.outcome
      if outcome == .missing { return .notFound }
      switch request.method {
      case .get, .head:
        if outcome == .forbidden { return .refused(status: 403) }
      case .post where outcome == .forbidden:
        return .refused(status: 403)  // nginx opens the file before it turns POST away
      case .post, .put, .delete, .options, .patch, .other:
        buffer.append("Allow: GET, HEAD\r\n")
        return .refused(status: 405)
      }
      guard let field = request.acceptEncoding, !cache[file].sighting.siblings.isEmpty else {
        return respond(request, head, type, from: file, into: &buffer)
      }
      // What is looked up for a sibling must not push the file out.
      cache.pin(file)
      defer { cache.unpin(file) }
      let codings = facts[route].codings
      for i in codings.indices {
        guard cache[file].sighting.siblings.contains(codings[i]),
          ContentNegotiation.accepts(codings[i], head.extracting(field))
        else { continue }
        switch try find(hash, route, path, site, codings[i], of: file, now, mayLook: mayLook) {
        case .unknown: return .cold
        case .missing: continue
        case .entry(let sibling):
          // It may have gone since the file was looked at.
          guard cache[sibling].sighting.outcome == .file else { continue }
          return respond(request, head, type, from: sibling, into: &buffer)
        }
      }
      return respond(request, head, type, from: file, into: &buffer)
    } catch {
      return .failed(error)
    }
  }

  /// What is known of a representation.
  enum Knowledge {
    /// Nothing, or nothing fresh, and the disk must not be asked.
    case unknown
    /// It is not there, and that is not worth remembering.
    case missing
    case entry(Handle)
  }

  private mutating func find(
    _ hash: UInt64, _ route: Int, _ path: Span<UInt8>, _ site: Span<UInt8>,
    _ coding: ContentCoding, of file: Handle?, _ now: Instant, mayLook: Bool
  ) throws(SystemError) -> Knowledge {
    let hash = hash ^ (UInt64(coding.rawValue) &* 0x9e37_79b9_7f4a_7c15)
    let known = cache.find(hash: hash, route: route, coding: coding, path: path, site: site)
    if let known, isFresh(known, now) {
      cache[known].wasUsed = true
      return .entry(known)
    }
    guard mayLook else { return .unknown }
    return try look(hash, route, path, site, coding, of: file, known: known, now)
  }

  private func isFresh(_ handle: Handle, _ now: Instant) -> Bool {
    let limits = cache.limits
    let freshness =
      cache[handle].sighting.outcome == .file
      ? limits.freshness : min(limits.freshness, limits.missingFreshness)
    return now &- cache[handle].checkedAt <= freshness
  }

  private mutating func respond(
    _ request: FileRequest, _ head: Span<UInt8>, _ type: Span<UInt8>, from entry: Handle,
    into buffer: inout ByteBuffer
  ) -> FileAnswer {
    var reply = cache[entry].answer(
      request, in: head, type: type, boundary: boundary, rangesLimit: cache.limits.ranges,
      into: &buffer)
    guard reply.status < 400 else { return .refused(status: reply.status) }
    if reply.multipart != nil {  // the next number of a generator that visits them all
      boundary = boundary &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    }
    if request.method == .head { reply.removeBody() }
    if reply.hasBody {
      cache.pin(entry)
      responses += 1
    }
    return .response(
      FileResponse(reply, source: entry, isInMemory: cache[entry].isInMemory))
  }

  /// Sets of the cache are found by the low bits, entries told apart by the high ones.
  private static func hash(
    _ route: Int, _ path: Span<UInt8>, _ site: Span<UInt8>, seed: UInt64
  ) -> UInt64 {
    var state = mix(seed ^ UInt64(route), 0xa076_1d64_78bd_642f)
    state = hash(site, state)
    return hash(path, state)
  }

  private static func hash(_ bytes: Span<UInt8>, _ state: UInt64) -> UInt64 {
    var state = mix(state ^ UInt64(bytes.count), 0xe703_7ed1_a0b4_28db)
    var word: UInt64 = 0
    for i in bytes.indices {
      word = word << 8 | UInt64(bytes[i])
      if i & 7 == 7 {
        state = mix(state ^ word, 0x8ebc_6af0_9c88_c6e3)
        word = 0
      }
    }
    return mix(state ^ word, 0x5899_65cc_7537_4cc3)
  }

  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  // MARK: Bodies

  /// The content that a `memory` piece is of.
  public subscript(contentOf source: Handle) -> ByteBuffer {
    _read { yield cache[source].content }
  }

  /// The file that a `file` piece is of.
  public subscript(descriptorOf source: Handle) -> Descriptor {
    _read { yield cache[source].openDescriptor }
  }

  /// Appends what comes next of a body, as long as it is text or in memory and there is space:
  /// a head and a small file go out together.
  ///
  /// - Parameter buffer: its capacity is at least what `fieldsLimit` was for the answer; routes
  ///   installed since may have longer fields.
  public func append(_ response: inout FileResponse, to buffer: inout ByteBuffer) {
    while true {
      switch response.piece {
      case .end, .file: return
      case .memory(let offset, let count):
        let rest = cache[response.source].content.readable.extracting(offset..<offset + count)
        let copied = buffer.appendPrefix(rest)
        response.advance(by: copied)
        guard copied == count else { return }
      case .text:
        guard let multipart = response.multipart else { return }
        let needed = cache[response.source].partHeadLimit(multipart)
        precondition(buffer.capacity >= needed, "text would never fit")
        guard buffer.space >= needed else { return }
        if let part = response.beginPart() {
          cache[response.source].appendPartHead(part, of: multipart, to: &buffer)
        } else {
          multipart.appendClosing(to: &buffer)
        }
      }
    }
  }

  /// Lets go of what a response was sent from, whether or not it was sent to its end.
  public mutating func finish(_ response: consuming FileResponse) {
    guard response.isPinned else { return }
    cache.unpin(response.source)
    responses -= 1
  }
}
