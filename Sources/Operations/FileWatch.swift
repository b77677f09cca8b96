import Reactor

/// A file as it was found at some time.
public struct FileSight: Equatable, Sendable {
  let path: String
  /// Of what the path leads to, symbolic links followed; nil when that is nothing.
  let status: FileStatus?

  init(_ path: String, _ status: FileStatus?) {
    self.path = path
    self.status = status
  }
}

/// The files of a configuration, all at one look.
public typealias FileSights = [FileSight]

/// Decides when the files of a configuration have changed: looks come from outside.
///
/// Files are looked at again and again instead of being subscribed to, for inotify is silent about
/// what others change on a network share, and loses a file whose directory is exchanged by a
/// symbolic link, as Kubernetes does it. A change counts when two looks in a row agree on it, so
/// that a file which is still being written is left alone, and it counts once.
struct FileWatch {
  /// What the configuration was last read from, well or ill.
  private(set) var known: FileSights
  /// What the last look has found, where that was something else.
  private var changed: FileSights?
  /// When the next look is due.
  private(set) var nextLook: Instant = 0

  init(_ files: FileSights) { known = files }

  /// The configuration was read again, from these files.
  mutating func taken(_ files: FileSights) {
    known = files
    changed = nil
  }

  /// A look is being taken; the next one comes `interval` later.
  mutating func looks(now: Instant, interval: Duration) {
    nextLook = now + interval.nanoseconds
  }

  /// Takes in what a look has found.
  ///
  /// - Returns: the paths that have changed, if it is time to read them; else none.
  mutating func see(_ sights: FileSights) -> [String] {
    guard sights != known else {
      changed = nil
      return []
    }
    guard sights == changed else {
      changed = sights
      return []
    }
    let paths = sights.filter { !known.contains($0) }.map(\.path)
    taken(sights)
    return paths
  }
}

// Watching the configuration's files.
extension Supervisor {
  /// When the files are to be looked at; nil for never.
  var nextLook: Instant? {
    configuration.reload.watch == nil || watch.known.isEmpty || !shutdown.isRunning
      ? nil : watch.nextLook
  }

  /// Has another thread look at the files, when it is time. A share that does not answer holds up
  /// that thread alone, and there is no other look until it has come back.
  func lookAtFiles() {
    let now = control.clock.now
    guard let interval = configuration.reload.watch, let due = nextLook, now >= due else { return }
    watch.looks(now: now, interval: interval)
    let paths = watch.known.map(\.path)
    let status = setting.source.status
    let mailbox = setting.mailbox
    _ = watchLookup.begin(
      { paths.map { FileSight($0, status($0)) } }, then: { mailbox.post(.looked($0)) })
  }

  /// A look has come back: what has changed is read as at SIGHUP.
  func take(_ sights: FileSights) {
    guard configuration.reload.watch != nil, shutdown.isRunning else { return }
    let changed = watch.see(sights)
    guard !changed.isEmpty else { return }
    logger.notice("\(Set(changed).sorted().joined(separator: ", ")) has changed")
    _ = reload(&control)
  }
}
