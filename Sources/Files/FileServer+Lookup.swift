import HTTP
import Memory
import Reactor

extension FileServer {
  /// Asks the disk for a file, or for a sibling of `file`, and remembers what it says.
  ///
  /// - Parameter known: what was known of it, and is no longer fresh.
  mutating func look(
    _ hash: UInt64, _ number: Int, _ path: Span<UInt8>, _ site: Span<UInt8>,
    _ coding: ContentCoding, of file: Handle?, known: Handle?, _ now: Instant
  ) throws(SystemError) -> Knowledge {
    let route = routes[number]
    var lastSeen: (sighting: FileSighting, at: Instant)?
    if let known, cache[known].sighting.outcome == .file {
      lastSeen = (cache[known].sighting, cache[known].firstSeenAt)
      if cache[known].isSettled {
        let sighting =
          if let file {
            try finder.look(
              route, sibling: coding, ofCandidate: cache[file].sighting.candidate, path: path,
              site: site)
          } else {
            try finder.look(route, path: path, site: site)
          }
        if sighting == cache[known].sighting {
          cache[known].checkedAt = now
          cache[known].wasUsed = true
          return .entry(known)
        }
      }
    }
    if let known { cache.remove(known) }

    let candidate = file.map { cache[$0].sighting.candidate }
    var found = try open(route, path, site, coding, ofCandidate: candidate)
    // Paths that lead nowhere cost nothing to invent, and some kilobytes each to remember.
    if found.sighting.outcome == .missing, path.count + site.count > 256 { return .missing }
    if found.sighting.outcome == .file { try load(&found) }
    let isSame = lastSeen?.sighting == found.sighting
    var type = ""
    var cacheControl: String?
    if found.sighting.outcome == .file {
      type = finder.mediaType(
        route, candidate: found.sighting.candidate, path: path, site: site)
      cacheControl = self.cacheControl(route, path)
    }
    return .entry(
      cache.insert(
        FileEntry(
          hash: hash, route: number, coding: coding, path: path, site: site, found: found,
          type: type, cacheControl: cacheControl,
          firstSeenAt: isSame ? lastSeen?.at ?? now : now, now: now)))
  }

  private mutating func cacheControl(_ route: FileRoute, _ path: Span<UInt8>) -> String? {
    for rule in route.cacheControl {
      guard let pattern = rule.pattern else { return rule.value }
      if pattern.matches(path, &scratch) { return rule.value }
    }
    return nil
  }

  /// Opens a file or a sibling; when the process has no descriptor left, after giving up one
  /// that no response needs.
  private mutating func open(
    _ route: FileRoute, _ path: Span<UInt8>, _ site: Span<UInt8>, _ coding: ContentCoding,
    ofCandidate candidate: Int?
  ) throws(SystemError) -> FoundFile {
    while true {
      do throws(SystemError) {
        if let candidate {
          return try finder.open(
            route, sibling: coding, ofCandidate: candidate, path: path, site: site)
        }
        return try finder.open(route, path: path, site: site)
      } catch {
        guard error.isOutOfDescriptors, cache.giveUpDescriptor() else { throw error }
      }
    }
  }

  /// Takes a small file into memory and closes it; makes room for a large one that stays open.
  private mutating func load(_ found: inout FoundFile) throws(SystemError) {
    guard let status = found.sighting.status else { return }
    if status.size == 0 {
      found.descriptor = nil
      return
    }
    guard status.size <= cache.limits.contentBytesPerFile,
      cache.makeRoom(contentBytes: status.size)
    else {
      cache.makeRoomForDescriptor()
      return
    }
    guard let descriptor = found.descriptor.take() else { return }
    var content = ByteBuffer(capacity: status.size)
    while content.space > 0 {
      let count = try Syscalls.readSome(descriptor, at: content.count, into: &content)
      if count == 0 { break }
    }
    if content.space == 0 {
      found.content = content
    } else {  // it was cut while it was read: what is sent is cut as well
      found.descriptor = consume descriptor
    }
  }
}
