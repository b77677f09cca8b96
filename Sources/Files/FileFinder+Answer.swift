import CLibraries
import HTTP
import Memory
import Reactor

extension FileFinder {
  /// Asks the disk all that a question is about.
  mutating func answer(_ question: FileQuestion) -> FileFindings {
    do throws(SystemError) {
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

  /// Compresses a file; nil when it has changed since it was looked at.
  ///
  /// - Parameter file: the file, if it has just been opened; else it is what was known.
  private mutating func compress(
    _ sighting: FileSighting, _ file: OpenFile?, _ question: FileQuestion
  ) throws(SystemError) -> FileFindings.Finding? {
    var file = file
    if file == nil {
      if let known = question.known[.compressed], known.isSettled { return .unchanged }
      let key = question.key
      var found = try open(question.route, path: key.path.span, site: key.site.span)
      guard found.sighting.status == sighting.status else { return nil }
      file = found.file.take()
    }
    guard let file, let size = sighting.status?.size,
      let content = try FileFinder.read(file, count: size)
    else { return nil }
    // What does not become smaller is not kept, and the file is sent as it is.
    return .found(
      FoundFile(sighting: sighting, content: FileFinder.compress(content) ?? ByteBuffer()))
  }

  /// The content as gzip, at the best ratio, for it is sent many times; nil when that is no
  /// smaller.
  private static func compress(_ content: borrowing ByteBuffer) -> ByteBuffer? {
    var output = ByteBuffer(capacity: content.count)
    var fits = false
    let bytes = content.readable
    output.write { fits = GzipStream.compressOnce(bytes, into: &$0) }
    guard fits else { return nil }
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
