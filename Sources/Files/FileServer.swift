import HTTP
public import Memory
public import Reactor

/// Answers requests for static files, as nginx does, from a cache of its own: one per worker.
///
/// Nothing here touches the disk. `answer` answers from what is known; where that is not enough,
/// it says `cold`, and a file thread finds out: `question` says what, `admit` takes in what the
/// disk said, and the same request is answered then.
public struct FileServer: ~Copyable {
  var routes: [FileRoute] = []
  /// What the hot path wants of each route, without touching the arrays inside.
  private var facts: [RouteFacts] = []
  /// The number of the first of `routes`: those before it are gone.
  var firstRoute = 0
  var cache: FileCache
  /// What the disk has just said, known for as long as those are answered who waited for it,
  /// whether or not the cache keeps it.
  var held: [Handle] = []
  let hashSeed: UInt64
  private var boundary: UInt64
  private var responses = 0
  /// Whether the last answer was from what should be looked at again: `question` says what.
  public private(set) var isRefreshDue = false
  /// Whether the last answer was compressed quickly and should be compressed as well as can be for
  /// those who ask next: a thorough `question` says what.
  public private(set) var isImprovementDue = false

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

  /// - Parameter seed: a number nobody can guess, for hashes and boundaries.
  public init(limits: FileLimits = FileLimits(), seed: UInt64) {
    cache = FileCache(limits: limits)
    hashSeed = seed
    boundary = seed &* 0x9e37_79b9_7f4a_7c15
  }

  /// Serves more routes, and forgets what was known by others; who began with those ends with
  /// them.
  ///
  /// - Returns: The number that the first of the routes is asked for by; the others follow.
  public mutating func install(_ routes: [FileRoute]) -> Int {
    cache.removeAll()
    let number = firstRoute + self.routes.count
    self.routes += routes
    facts += routes.map { route in
      var codings = InlineArray<2, ContentCoding>(repeating: .identity)
      for (i, coding) in route.precompressed.enumerated() { codings[i] = coding }
      return RouteFacts(usesSite: route.variable != nil, codings: codings)
    }
    updateFieldsLimit()
    return number
  }

  /// Nobody asks for routes below this number any more.
  public mutating func retireRoutes(before number: Int) {
    guard number > firstRoute else { return }
    let count = min(number - firstRoute, routes.count)
    routes.removeFirst(count)
    facts.removeFirst(count)
    firstRoute += count
    updateFieldsLimit()
  }

  private mutating func updateFieldsLimit() {
    fieldsLimit = 512 + FileServer.typeLimit + (routes.map(\.longestFields).max() ?? 0)
  }

  /// Keeps files by other limits from now on.
  public mutating func keep(freshness: Instant, contentBytes: Int) {
    cache.limits.freshness = freshness
    cache.limits.contentBytes = contentBytes
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
    isRefreshDue = false
    isImprovementDue = false
    guard responses < cache.limits.responses else { return .refused(status: 503) }
    let site = site.extracting(first: usesSite(route) ? site.count : 0)
    let type = type.extracting(first: type.count <= FileServer.typeLimit ? type.count : 0)
    let hash = hash(route, path, site)
    guard let file = find(hash, route, path, site, .file, now) else { return .cold }
    let outcome = cache.entries[file].sighting.outcome
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
    let varies =
      type.isEmpty
      ? cache.entries[file].isCompressible
      : FileEntry.isCompressible(
        type, size: cache.entries[file].size, by: routes[route - firstRoute].compression)
    guard let field = request.acceptEncoding,
      varies || !cache.entries[file].sighting.siblings.isEmpty
    else { return respond(request, head, type, from: file, varies, into: &buffer) }
    let accepted = head.extracting(field)
    let codings = facts[route - firstRoute].codings
    for i in codings.indices {
      guard cache.entries[file].sighting.siblings.contains(codings[i]),
        ContentNegotiation.accepts(codings[i], accepted)
      else { continue }
      let representation = Representation(sibling: codings[i])
      guard let sibling = find(hash, route, path, site, representation, now) else { return .cold }
      return respond(request, head, type, from: sibling, varies, into: &buffer)
    }
    if varies, cache.entries[file].size <= cache.limits.compressibleBytes,
      ContentNegotiation.accepts(.gzip, accepted),
      cache.entries[file].judge(request.conditions, in: head) == .holds
    {
      guard let compressed = findCompressed(hash, route, path, site, of: file, now) else {
        return .cold
      }
      if cache.entries[compressed].isInMemory {
        isImprovementDue = cache.entries[compressed].noteSend()
        return respond(request, head, type, from: compressed, varies, into: &buffer)
      }
    }
    return respond(request, head, type, from: file, varies, into: &buffer)
  }

  func usesSite(_ route: Int) -> Bool { facts[route - firstRoute].usesSite }

  /// What is known of a representation and may be served.
  private mutating func find(
    _ hash: UInt64, _ route: Int, _ path: Span<UInt8>, _ site: Span<UInt8>,
    _ representation: Representation, _ now: Instant
  ) -> Handle? {
    let known = cache.find(
      hash: FileServer.hash(hash, representation), route: route, representation: representation,
      path: path, site: site)
    if let known, mayServe(known, now) {
      cache.entries[known].wasUsed = true
      return known
    }
    for handle in held {
      let isIt = cache.entries[handle].isFor(
        route: route, representation: representation, path: path, site: site)
      if isIt { return handle }
    }
    return nil
  }

  /// What came of compressing a file as it is known. Nothing of it is to be asked of the disk: it
  /// is as good as the file is.
  private mutating func findCompressed(
    _ hash: UInt64, _ route: Int, _ path: Span<UInt8>, _ site: Span<UInt8>, of file: Handle,
    _ now: Instant
  ) -> Handle? {
    let known = cache.find(
      hash: FileServer.hash(hash, .compressed), route: route, representation: .compressed,
      path: path, site: site)
    if let known, cache.entries[known].isMade(from: cache.entries[file], now: now) {
      cache.entries[known].wasUsed = true
      return known
    }
    for handle in held {
      let isIt = cache.entries[handle].isFor(
        route: route, representation: .compressed, path: path, site: site)
      if isIt { return handle }
    }
    return nil
  }

  @inline(__always) private mutating func mayServe(_ handle: Handle, _ now: Instant) -> Bool {
    let age = now &- cache.entries[handle].checkedAt
    let freshness = cache.limits.freshness
    guard cache.entries[handle].sighting.outcome == .file else {
      return age <= min(freshness, cache.limits.missingFreshness)
    }
    if age <= freshness { return true }
    guard age <= 2 * freshness else { return false }
    // Whoever comes first asks, and nobody waits.
    if !cache.entries[handle].isAskedAbout {
      cache.entries[handle].isAskedAbout = true
      isRefreshDue = true
    }
    return true
  }

  private mutating func respond(
    _ request: FileRequest, _ head: Span<UInt8>, _ type: Span<UInt8>, from entry: Handle,
    _ varies: Bool, into buffer: inout ByteBuffer
  ) -> FileAnswer {
    var reply = cache.entries[entry].answer(
      request, in: head, type: type, varies: varies, boundary: boundary,
      rangesLimit: cache.limits.ranges, into: &buffer)
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
      FileResponse(
        reply, source: entry, isInMemory: cache.entries[entry].isInMemory,
        isRemote: cache.entries[entry].isRemote))
  }

  /// Sets of the cache are found by the low bits, entries told apart by the high ones.
  func hash(_ route: Int, _ path: Span<UInt8>, _ site: Span<UInt8>) -> UInt64 {
    var state = FileServer.mix(hashSeed ^ UInt64(route), 0xa076_1d64_78bd_642f)
    state = FileServer.hash(site, state)
    return FileServer.hash(path, state)
  }

  /// Of one representation of what a path's hash is of.
  static func hash(_ path: UInt64, _ representation: Representation) -> UInt64 {
    path ^ (UInt64(representation.rawValue) &* 0x9e37_79b9_7f4a_7c15)
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

  /// The file that a `file` or `remote` piece is of.
  public subscript(fileOf source: Handle) -> OpenFile {
    guard let file = cache.entries[source].file else {
      preconditionFailure("a piece of an open file")
    }
    return file
  }

  /// Appends what comes next of a body, as long as it is text or in memory and there is space:
  /// a head and a small file go out together.
  ///
  /// - Parameter buffer: its capacity is at least what `fieldsLimit` was for the answer; routes
  ///   installed since may have longer fields.
  public func append(_ response: inout FileResponse, to buffer: inout ByteBuffer) {
    while true {
      switch response.piece {
      case .end, .file, .remote: return
      case .memory(let offset, let count):
        let rest = cache.entries[response.source].content.readable.extracting(
          offset..<offset + count)
        let copied = buffer.appendPrefix(rest)
        response.advance(by: copied)
        guard copied == count else { return }
      case .text:
        guard let multipart = response.multipart else { return }
        let needed = cache.entries[response.source].partHeadLimit(multipart)
        precondition(buffer.capacity >= needed, "text would never fit")
        guard buffer.space >= needed else { return }
        if let part = response.beginPart() {
          cache.entries[response.source].appendPartHead(part, of: multipart, to: &buffer)
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
