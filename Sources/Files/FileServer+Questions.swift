import HTTP
import Memory
public import Reactor

extension FileServer {
  /// What the disk is to be asked for a request whose answer was `cold`, or from what should be
  /// looked at again. The parameters are those of the answer.
  ///
  /// - Parameter isThorough: what is kept compressed is to be compressed as well as can be.
  public func question(
    _ request: FileRequest, route: Int, path: Span<UInt8>, site: Span<UInt8>,
    type: Span<UInt8>, head: Span<UInt8>, now: Instant, isThorough: Bool = false
  ) -> FileQuestion {
    let site = site.extracting(first: usesSite(route) ? site.count : 0)
    let rules = routes[route - firstRoute]
    var codings = CodingSet()
    if let field = request.acceptEncoding {
      for coding in rules.precompressed
      where ContentNegotiation.accepts(coding, head.extracting(field)) {
        codings.insert(coding)
      }
    }
    let hash = hash(route, path, site)
    var known: [Representation: FileQuestion.Known] = [:]
    var file: Handle?
    for representation in Representation.allCases {
      guard
        let handle = cache.find(
          hash: FileServer.hash(hash, representation), route: route,
          representation: representation, path: path, site: site),
        cache.entries[handle].sighting.outcome == .file
      else { continue }
      known[representation] = FileQuestion.Known(
        sighting: cache.entries[handle].sighting, isSettled: cache.entries[handle].isSettled)
      if representation == .file { file = handle }
      if representation == .compressed,
        !(file.map { cache.entries[handle].isMade(from: cache.entries[$0], now: now) } ?? false)
      {
        known[representation] = nil
      }
    }
    return FileQuestion(
      FileQuestion.Key(
        route: route, path: path.indices.map { path[$0] }, site: site.indices.map { site[$0] },
        codings: codings, compression: compression(request, rules, type, head, file),
        isThorough: isThorough),
      route: rules, known: known, contentLimit: cache.limits.contentBytesPerFile,
      compressibleLimit: cache.limits.compressibleBytes, askedAt: now)
  }

  /// Whether a request wants the file compressed: not, when 304 may do.
  private func compression(
    _ request: FileRequest, _ route: FileRoute, _ type: Span<UInt8>, _ head: Span<UInt8>,
    _ file: Handle?
  ) -> FileQuestion.Compression {
    guard let rule = route.compression, request.method == .get || request.method == .head,
      let field = request.acceptEncoding,
      ContentNegotiation.accepts(.gzip, head.extracting(field))
    else { return .none }
    let holds =
      file.map { cache.entries[$0].judge(request.conditions, in: head) == .holds }
      ?? (request.conditions == Conditions())
    guard holds else { return .none }
    if type.isEmpty || type.count > FileServer.typeLimit { return .ifEligible }
    return rule.isEligible(status: 200, contentType: type, length: nil) ? .ifLargeEnough : .none
  }

  /// Takes in what a file thread has found out. Until `release`, those who waited for it can be
  /// answered, whether or not the cache keeps it.
  ///
  /// - Returns: what is wrong with the file system, if nothing was found out.
  public mutating func admit(_ lookup: FileLookup, now: Instant) -> SystemError? {
    guard var findings = lookup.take() else { return nil }
    if let error = findings.error { return error }
    // A refresh that nobody waited for may come when its route has gone.
    guard lookup.question.key.route >= firstRoute else { return nil }
    if let file = findings.file.take() {
      hold(file, .file, findings, lookup.question, now)
    }
    if let coded = findings.coded.take() {
      hold(coded, findings.representation, findings, lookup.question, now)
    }
    return nil
  }

  /// Those who waited have been answered.
  public mutating func release() {
    for handle in held { cache.unpin(handle) }
    held.removeAll(keepingCapacity: true)
  }

  /// Gives up an open file that no response needs, when the process has none left to open;
  /// false when there is none.
  public mutating func giveUpDescriptor() -> Bool { cache.giveUpDescriptor() }

  private mutating func hold(
    _ finding: consuming FileFindings.Finding, _ representation: Representation,
    _ findings: borrowing FileFindings, _ question: FileQuestion, _ now: Instant
  ) {
    let key = question.key
    let hash = FileServer.hash(
      hash(key.route, key.path.span, key.site.span), representation)
    let known = cache.find(
      hash: hash, route: key.route, representation: representation, path: key.path.span,
      site: key.site.span)
    let handle: Handle
    switch consume finding {
    case .unchanged:
      // It may have been given up meanwhile, or replaced: who waits asks again.
      guard let known, cache.entries[known].sighting == question.known[representation]?.sighting
      else {
        return
      }
      cache.entries[known].checkedAt = now
      cache.entries[known].isAskedAbout = false
      cache.entries[known].wasUsed = true
      handle = known
    case .found(let found):
      handle = keep(found, representation, hash, known: known, findings, question, now)
    }
    cache.pin(handle)
    held.append(handle)
  }

  private mutating func keep(
    _ found: consuming FoundFile, _ representation: Representation, _ hash: UInt64,
    known: Handle?, _ findings: borrowing FileFindings, _ question: FileQuestion, _ now: Instant
  ) -> Handle {
    let key = question.key
    var firstSeenAt = now
    if let seen = representation == .compressed ? findFile(key) : known,
      cache.entries[seen].sighting == found.sighting
    {
      firstSeenAt = cache.entries[seen].firstSeenAt
    }
    if let known { cache.remove(known) }
    makeRoom(for: &found, representation)
    // Paths that lead nowhere cost nothing to invent, and some kilobytes each to remember.
    let isWorthIt =
      found.sighting.outcome != .missing || key.path.count + key.site.count <= 256
    let entry = FileEntry(
      hash: hash, route: key.route, representation: representation, path: key.path.span,
      site: key.site.span, found: found, type: findings.type,
      cacheControl: findings.cacheControl, compression: question.route.compression,
      firstSeenAt: firstSeenAt, loadedAt: question.askedAt,
      now: now)
    return isWorthIt ? cache.insert(entry) : cache.add(entry)
  }

  /// The file that something was made from, if the cache knows it.
  private func findFile(_ key: FileQuestion.Key) -> Handle? {
    cache.find(
      hash: FileServer.hash(hash(key.route, key.path.span, key.site.span), .file),
      route: key.route, representation: .file, path: key.path.span, site: key.site.span)
  }

  /// A file is kept in memory or open: in memory, if it has been read and there is room. What was
  /// compressed is kept in memory or not at all, and is not all that is kept.
  private mutating func makeRoom(for found: inout FoundFile, _ representation: Representation) {
    if representation == .compressed, found.content.capacity > cache.limits.contentBytes / 4 {
      found.content = ByteBuffer()
    }
    if found.content.capacity > 0, cache.makeRoom(contentBytes: found.content.capacity) {
      found.file = nil
      return
    }
    found.content = ByteBuffer()
    if found.file != nil { cache.makeRoomForDescriptor() }
  }
}
