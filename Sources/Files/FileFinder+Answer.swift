import CLibraries
import HTTP
import Memory
import Reactor

extension FileFinder {
  /// Asks the disk all that a question is about.
  mutating func answer(_ question: FileQuestion) -> FileFindings {
    do throws(SystemError) {
      if question.key.isThorough { return try improve(question) }
      var unreadable = CodingSet()
      // Each attempt but the last adds a coding to `unreadable`, of which there are two.
      while true {
        if let findings = try attempt(question, unreadable: &unreadable) { return findings }
      }
    } catch {
      return FileFindings(error: error)
    }
  }

  /// Nil when a sibling that stands beside the file could not be read: there is none, then.
  private mutating func attempt(
    _ question: FileQuestion, unreadable: inout CodingSet
  ) throws(SystemError) -> FileFindings? {
    let (route, key) = (question.route, question.key)
    let (path, site) = (key.path.span, key.site.span)
    let sighting: FileSighting
    var findings: FileFindings
    var file: OpenFile?
    if let seen = try confirm(question, unreadable: unreadable) {
      sighting = seen
      findings = FileFindings(.unchanged)
    } else {
      var found = try open(route, path: path, site: site)
      found.sighting.siblings.subtract(unreadable)
      try load(&found, limit: question.contentLimit)
      sighting = found.sighting
      file = found.file
      findings = FileFindings(.found(found))
    }
    guard sighting.outcome == .file else { return findings }
    findings.type = mediaType(route, candidate: sighting.candidate, path: path, site: site)
    findings.cacheControl = cacheControl(route, path)

    for coding in route.precompressed
    where key.codings.contains(coding) && sighting.siblings.contains(coding) {
      let sibling = try find(coding, ofCandidate: sighting.candidate, question)
      guard sibling != nil else {
        unreadable.insert(coding)
        return nil
      }
      findings.coded = sibling
      findings.representation = Representation(sibling: coding)
      return findings
    }
    if isToBeCompressed(sighting, findings.type, question) {
      findings.coded = try compress(sighting, file, question)
      findings.representation = .compressed
    }
    return findings
  }

  /// What stands where the path leads, if that is what was known.
  private mutating func confirm(
    _ question: FileQuestion, unreadable: CodingSet
  ) throws(SystemError) -> FileSighting? {
    guard let known = question.known[.file], known.isSettled else { return nil }
    let key = question.key
    var seen = try look(question.route, path: key.path.span, site: key.site.span)
    seen.siblings.subtract(unreadable)
    return seen == known.sighting ? seen : nil
  }

  /// A sibling; nil when it cannot be read.
  private mutating func find(
    _ coding: ContentCoding, ofCandidate candidate: Int, _ question: FileQuestion
  ) throws(SystemError) -> FileFindings.Finding? {
    let (route, key) = (question.route, question.key)
    let (path, site) = (key.path.span, key.site.span)
    if let known = question.known[Representation(sibling: coding)], known.isSettled,
      try look(route, sibling: coding, ofCandidate: candidate, path: path, site: site)
        == known.sighting
    {
      return .unchanged
    }
    var found = try open(
      route, sibling: coding, ofCandidate: candidate, path: path, site: site)
    guard found.sighting.outcome == .file else { return nil }
    try load(&found, limit: question.contentLimit)
    return .found(found)
  }

  /// Reads a small file whole.
  private func load(_ found: inout FoundFile, limit: Int) throws(SystemError) {
    guard let file = found.file, let status = found.sighting.status, status.size <= limit else {
      return
    }
    found.content = try FileFinder.read(file, count: status.size) ?? ByteBuffer()
  }

  /// The first `count` bytes of a file; nil when it has been cut to fewer.
  static func read(_ file: OpenFile, count: Int) throws(SystemError) -> ByteBuffer? {
    var content = ByteBuffer(capacity: count)
    while content.space > 0 {
      let more = try file.readSome(at: content.count, into: &content)
      guard more > 0 else { return nil }
    }
    return content
  }

  // MARK: Compressing

  private func isToBeCompressed(
    _ sighting: FileSighting, _ type: String, _ question: FileQuestion
  ) -> Bool {
    guard let size = sighting.status?.size, size <= question.compressibleLimit else {
      return false
    }
    let rule = question.route.compression
    switch question.key.compression {
    case .none: return false
    case .ifEligible:
      return FileEntry.isCompressible(type.utf8.span, size: size, by: rule)
    case .ifLargeEnough:
      // This type is always among those of the rule: the size decides.
      return FileEntry.isCompressible("text/html".utf8.span, size: size, by: rule)
    }
  }

  /// Compresses a file as well as can be, if it is still what was known; else there is nothing to
  /// tell. Nothing is said of the file itself: this takes a while.
  private mutating func improve(_ question: FileQuestion) throws(SystemError) -> FileFindings {
    var findings = FileFindings()
    guard let sighting = try confirm(question, unreadable: CodingSet()) else { return findings }
    let (route, key) = (question.route, question.key)
    findings.type = mediaType(
      route, candidate: sighting.candidate, path: key.path.span, site: key.site.span)
    findings.cacheControl = cacheControl(route, key.path.span)
    findings.coded = try compress(sighting, nil, question)
    findings.representation = .compressed
    return findings
  }

  /// Compresses a file; nil when it has changed since it was looked at.
  ///
  /// - Parameter file: the file, if it has just been opened; else it is what was known.
  private mutating func compress(
    _ sighting: FileSighting, _ file: OpenFile?, _ question: FileQuestion
  ) throws(SystemError) -> FileFindings.Finding? {
    let isThorough = question.key.isThorough
    var file = file
    if file == nil {
      if !isThorough, let known = question.known[.compressed], known.isSettled {
        return .unchanged
      }
      let key = question.key
      var found = try open(question.route, path: key.path.span, site: key.site.span)
      guard found.sighting.status == sighting.status else { return nil }
      file = found.file.take()
    }
    guard let file, let size = sighting.status?.size,
      let content = try FileFinder.read(file, count: size)
    else { return nil }
    // What does not become smaller is not kept, and the file is sent as it is.
    var found = FoundFile(sighting: sighting)
    found.content =
      FileFinder.compress(content, isThorough: isThorough, restFactor: restFactor) ?? ByteBuffer()
    found.isThorough = isThorough
    return .found(found)
  }

  /// What is compressed at a time where there is time: some milliseconds' work.
  private static var slice: Int { 16 << 10 }
  /// So many times as long as a slice takes nothing is done then: a core that idles is nobody's
  /// loss, but where there is a quarter of one, the work is taken from those who wait for answers.
  private var restFactor: UInt64 { crew?.isLast == true ? 99 : 0 }

  /// The content as gzip; nil when that is no smaller.
  ///
  /// - Parameters:
  ///   - isThorough: at the best ratio, a slice at a time.
  ///   - restFactor: how many times as long as it has worked a thread rests after each.
  private static func compress(
    _ content: borrowing ByteBuffer, isThorough: Bool, restFactor: UInt64
  ) -> ByteBuffer? {
    var output = ByteBuffer(capacity: content.count)
    var stream = GzipStream(level: isThorough ? .zlib(9) : .fast)
    let bytes = content.readable
    var position = 0
    while position < bytes.count {
      let start = Clock.read().now
      let count = min(isThorough ? slice : bytes.count, bytes.count - position)
      let piece = bytes.extracting(position..<position + count)
      var taken = 0
      output.write { taken = stream.compress(piece, into: &$0) }
      guard taken == count else { return nil }
      position += count
      if isThorough, restFactor > 0 {
        Syscalls.pause(milliseconds: Int((Clock.read().now - start) * restFactor / 1_000_000))
      }
    }
    var isWhole = false
    output.write { isWhole = stream.finish(into: &$0) }
    guard isWhole else { return nil }
    // No more room than is needed: it is kept.
    var kept = ByteBuffer(capacity: output.count)
    kept.append(output.readable)
    return kept
  }

  private mutating func cacheControl(_ route: FileRoute, _ path: Span<UInt8>) -> String? {
    for rule in route.cacheControl {
      guard let pattern = rule.pattern else { return rule.value }
      if pattern.matches(path, &scratch) { return rule.value }
    }
    return nil
  }
}
