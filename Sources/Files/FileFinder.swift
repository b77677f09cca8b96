import CLibraries
import HTTP
import Memory
import Reactor

/// What a path leads to.
enum FileOutcome: Equatable, Sendable {
  case file
  /// Nothing, or nothing regular.
  case missing
  /// A file that must not be read: 403.
  case forbidden
}

/// What can be known of a file without opening it.
struct FileSighting: Equatable, Sendable {
  var outcome: FileOutcome
  /// Which of the route's candidates it is.
  var candidate = 0
  var status: FileStatus?
  /// Which precompressed siblings stand beside it.
  var siblings = CodingSet()
}

/// A file as the disk gave it.
struct FoundFile: ~Copyable, Sendable {
  var sighting: FileSighting
  /// When the outcome is a file that is not empty.
  var file: OpenFile?
  /// All of it, when it was small enough; otherwise without room.
  var content = ByteBuffer()
  /// It was compressed as well as can be.
  var isThorough = false
}

/// Looks on the disk: a file thread's tool. Every call may block for as long as the file system
/// likes; nothing here knows of the cache.
///
/// As with nginx's `try_files`, a candidate whose directories cannot be searched is missing, one
/// that is there but cannot be read is forbidden.
struct FileFinder: ~Copyable {
  /// The longest path the kernel takes, its NUL included.
  private static var pathLimit: Int { 4096 }

  /// The threads to which the files belong that are opened; nil where there are none.
  let crew: FileCrew?
  var scratch = PatternScratch()
  private var name = ByteBuffer(capacity: pathLimit)
  private var component = ByteBuffer(capacity: pathLimit)

  init(crew: FileCrew? = nil) { self.crew = crew }

  /// What stands where `path` leads.
  ///
  /// - Throws: what is wrong with the file system, never that a file is not there.
  mutating func look(
    _ route: FileRoute, path: Span<UInt8>, site: Span<UInt8>
  ) throws(SystemError) -> FileSighting {
    for candidate in route.candidates.indices {
      guard write(route, candidate, .identity, path: path, site: site),
        let status = try status(route)
      else { continue }
      return try withSiblings(
        FileSighting(outcome: .file, candidate: candidate, status: status),
        route, path: path, site: site)
    }
    return FileSighting(outcome: .missing)
  }

  /// What stands beside a candidate, precompressed.
  mutating func look(
    _ route: FileRoute, sibling coding: ContentCoding, ofCandidate candidate: Int,
    path: Span<UInt8>, site: Span<UInt8>
  ) throws(SystemError) -> FileSighting {
    guard write(route, candidate, coding, path: path, site: site),
      let status = try status(route)
    else { return FileSighting(outcome: .missing) }
    return FileSighting(outcome: .file, candidate: candidate, status: status)
  }

  /// Opens what `path` leads to.
  mutating func open(
    _ route: FileRoute, path: Span<UInt8>, site: Span<UInt8>
  ) throws(SystemError) -> FoundFile {
    for candidate in route.candidates.indices {
      guard write(route, candidate, .identity, path: path, site: site) else { continue }
      var found = try open(route, candidate)
      if found.sighting.outcome == .missing { continue }
      found.sighting = try withSiblings(found.sighting, route, path: path, site: site)
      return found
    }
    return FoundFile(sighting: FileSighting(outcome: .missing))
  }

  /// Opens what stands beside a candidate, precompressed.
  mutating func open(
    _ route: FileRoute, sibling coding: ContentCoding, ofCandidate candidate: Int,
    path: Span<UInt8>, site: Span<UInt8>
  ) throws(SystemError) -> FoundFile {
    guard write(route, candidate, coding, path: path, site: site) else {
      return FoundFile(sighting: FileSighting(outcome: .missing))
    }
    return try open(route, candidate)
  }

  /// The media type that a candidate's name tells, whatever its siblings are called.
  mutating func mediaType(
    _ route: FileRoute, candidate: Int, path: Span<UInt8>, site: Span<UInt8>
  ) -> String {
    guard write(route, candidate, .identity, path: path, site: site) else {
      return MediaTypes.fallback
    }
    return route.mediaTypes.type(ofPath: name.readable.extracting(0..<name.count - 1))
  }

  private mutating func withSiblings(
    _ sighting: FileSighting, _ route: FileRoute, path: Span<UInt8>, site: Span<UInt8>
  ) throws(SystemError) -> FileSighting {
    var sighting = sighting
    for coding in route.precompressed {
      guard write(route, sighting.candidate, coding, path: path, site: site),
        try status(route) != nil
      else { continue }
      sighting.siblings.insert(coding)
    }
    return sighting
  }

  // MARK: Names

  /// Makes `name` the path of a candidate; false when there can be no such file.
  private mutating func write(
    _ route: FileRoute, _ candidate: Int, _ coding: ContentCoding, path: Span<UInt8>,
    site: Span<UInt8>
  ) -> Bool {
    guard let start = FileFinder.start(of: path, in: route) else { return false }
    for i in path.indices where path[i] == 0 { return false }
    name.clear()
    guard route.base.count < FileFinder.pathLimit else { return false }
    name.append(route.base.span)
    let ending =
      switch coding {
      case .identity: ""
      case .gzip: ".gz"
      case .brotli: ".br"
      }
    guard
      route.candidates[candidate].append(
        path: path.extracting(start...), site: site, to: &name),
      name.space > ending.utf8.count
    else { return false }
    // A slash at the end asks for a directory.
    guard name.readable[name.count - 1] != UInt8(ascii: "/") else { return false }
    name.append(text: ending)
    name.append(UInt8(0))
    return true
  }

  /// Where the part of `path` begins that goes behind the base: at a slash or at the end.
  private static func start(of path: Span<UInt8>, in route: FileRoute) -> Int? {
    let start = route.prefixCount
    guard path.count >= start else { return nil }
    if start > 0, path[start - 1] == UInt8(ascii: "/") { return start - 1 }
    guard start == path.count || path[start] == UInt8(ascii: "/") else { return nil }
    return start
  }

  // MARK: One name

  /// The status of what `name` leads to, when that is a regular file.
  private mutating func status(_ route: FileRoute) throws(SystemError) -> FileStatus? {
    var isSecondLook = false
    while true {
      do throws(SystemError) {
        let status = try statusOfName(route)
        return status.isRegular ? status : nil
      } catch {
        if error.isNotFound || error.isNoFile || error.isAccessDenied { return nil }
        guard error.isStale, !isSecondLook else { throw error }
        isSecondLook = true
      }
    }
  }

  private mutating func statusOfName(_ route: FileRoute) throws(SystemError) -> FileStatus {
    if !route.followsSymlinks, let directory = try openDirectory(of: route) {
      return try Syscalls.status(component.readable, in: directory)
    }
    return try Syscalls.status(name.readable)
  }

  /// Opens what `name` leads to.
  private mutating func open(
    _ route: FileRoute, _ candidate: Int
  ) throws(SystemError) -> FoundFile {
    var isSecondLook = false
    while true {
      do throws(SystemError) {
        let descriptor = try openName(route)
        let status = try Syscalls.status(of: descriptor)
        guard status.isRegular else { break }
        return FoundFile(
          sighting: FileSighting(outcome: .file, candidate: candidate, status: status),
          file: status.size > 0 ? OpenFile(descriptor, crew: crew) : nil)
      } catch {
        if error.isNotFound || error.isNoFile { break }
        if error.isAccessDenied {
          guard let status = try status(route) else { break }
          return FoundFile(
            sighting: FileSighting(outcome: .forbidden, candidate: candidate, status: status))
        }
        guard error.isStale, !isSecondLook else { throw error }
        isSecondLook = true
      }
    }
    return FoundFile(sighting: FileSighting(outcome: .missing))
  }

  private mutating func openName(_ route: FileRoute) throws(SystemError) -> Descriptor {
    if !route.followsSymlinks, let directory = try openDirectory(of: route) {
      return try Syscalls.openFile(component.readable, in: directory)
    }
    return try Syscalls.openFile(name.readable)
  }

  /// Walks from the base to the directory that `name` stands in, through no symbolic link, and
  /// leaves the last component in `component`; nil when `name` is the base itself.
  private mutating func openDirectory(of route: FileRoute) throws(SystemError) -> Descriptor? {
    FileFinder.copy(0..<route.base.count, of: name, to: &component)
    var directory: Descriptor?
    var start = route.base.count
    let end = name.count - 1  // its NUL
    while start < end {
      if name.readable[start] == UInt8(ascii: "/") {
        start += 1
        continue
      }
      var stop = start
      while stop < end, name.readable[stop] != UInt8(ascii: "/") { stop += 1 }
      // What is in `component` has proved not to be the last one.
      if let parent = directory.take() {
        directory = try Syscalls.openDirectory(component.readable, in: parent)
      } else {
        directory = try Syscalls.openDirectory(component.readable)
      }
      FileFinder.copy(start..<stop, of: name, to: &component)
      start = stop
    }
    return directory
  }

  private static func copy(
    _ range: Range<Int>, of name: borrowing ByteBuffer, to component: inout ByteBuffer
  ) {
    component.clear()
    component.append(name.readable.extracting(range))
    component.append(UInt8(0))
  }
}
