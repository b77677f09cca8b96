import Balancing
import Configuration
import Proxy

/// What became of an order to read the configuration again.
struct ReloadOutcome {
  /// Nil when the new configuration is in force.
  let error: String?
  /// What is wrong or doubtful about it, one line each.
  var diagnostics: [String] = []

  var response: AdminResponse {
    let lines = diagnostics.map(JSONText.quoted).joined(separator: ",")
    guard let error else { return .json(200, "{\"reloaded\":true,\"warnings\":[\(lines)]}\n") }
    return .json(422, "{\"error\":\(JSONText.quoted(error)),\"diagnostics\":[\(lines)]}\n")
  }
}

// A new configuration, without a restart.
extension Supervisor {
  /// Reads the configuration again. A bad one is reported, and the old one goes on.
  ///
  /// - Parameter control: the loop, which is not reached through `self`: the admin listener may
  ///   hold it.
  func reload(_ control: inout ControlLoop) -> ReloadOutcome {
    guard shutdown.isRunning else {
      logger.notice("no reload: the process is ending")
      return ReloadOutcome(error: "the process is ending")
    }
    var files: [FileSight] = []
    let (loaded, diagnostics) = setting.source.load(noting: &files, expired: expiredCertificates)
    watch.taken(files)
    let lines = diagnostics.map(\.oneLine)
    guard let next = loaded else {
      for line in lines { logger.error("\(line)") }
      return refuse("\(setting.source.name) has errors", lines)
    }
    for line in lines { logger.warning("\(line)") }
    do {
      try adopt(next, &control)
    } catch {
      return refuse("\(error)", lines)
    }
    reloads.succeeded += 1
    lastReloadSucceeded = true
    lastReload = control.clock.wall
    logger.notice("configuration reloaded from \(setting.source.name)")
    return ReloadOutcome(error: nil, diagnostics: lines)
  }

  private func refuse(_ reason: String, _ diagnostics: [String]) -> ReloadOutcome {
    reloads.failed += 1
    lastReloadSucceeded = false
    logger.error("configuration not reloaded: \(reason); the old one goes on")
    return ReloadOutcome(error: reason, diagnostics: diagnostics)
  }

  private func adopt(_ loaded: Configuration, _ control: inout ControlLoop) throws {
    let isSame = Self.isSame(tls.listens, loaded.listen)
    var next = loaded
    // Sockets stay as they are, and so does what is told of them by number.
    if !isSame { next.listen = configuration.listen }
    let read = try readCertificates(of: next, isShown: isSame)
    var new = try ServerRoster(next.pools, &directory) { names.addresses(of: $0) }
    let kept = orders.kept(from: configuration.pools, to: next.pools)
    new.take(kept)
    new.secure(by: read.poolContexts.contexts)
    let lease = SnapshotLease()
    sessions = Self.sessions(for: next, known: sessions)
    let snapshots: [Snapshot]
    do throws(SnapshotError) {
      snapshots = try Self.snapshots(workers.count, next, new, registry, lease, sessions)
    } catch {
      new.release(&directory)
      throw error
    }
    for setting in Self.fixedSettings(configuration, loaded) {
      logger.warning("\(setting) has changed: that takes effect at the next start")
    }
    retired.append(RetiredRoster(roster: roster, leases: current))
    let old = roster
    roster = new
    orders = kept
    current = [WeakLease(lease)]
    setting.output?.level = next.log.level.severity
    if let destination = next.log.access.destination, next.log.access != configuration.log.access {
      accessLog?.reopen(destination)
    }
    configuration = next
    poolContexts = read.poolContexts
    names.track(new.names, now: control.clock.now)
    prober.track(new.targets, &control)
    workers.change(to: snapshots)
    moveClients(ofServersGoneSince: old)
    if isSame { show(read.shown) }
    take(read.ticketFile)
    certificateWatch.taken(tls.sights + ticketFile.sights)
    applyDrains()
    if let snapshot = snapshots.first { files.keep(snapshot.fileRoutes()) }
  }

  /// Where and how is listened to is the same; what clients are shown there may differ.
  private static func isSame(_ old: [Listen], _ new: [Listen]) -> Bool {
    old.map(\.endpoint) == new.map(\.endpoint)
      && old.map { $0.tls == nil } == new.map { $0.tls == nil }
  }

  /// What a reload cannot change, of all that differs.
  static func fixedSettings(_ old: Configuration, _ new: Configuration) -> [String] {
    var changed: [String] = []
    if !isSame(old.listen, new.listen) { changed.append("listen") }
    if old.workers != new.workers { changed.append("workers") }
    if old.admin?.listen != new.admin?.listen { changed.append("admin.listen") }
    if old.limits.connections != new.limits.connections { changed.append("limits.connections") }
    if old.limits.spillBytes != new.limits.spillBytes { changed.append("limits.spill") }
    if old.limits.spillDirectory != new.limits.spillDirectory {
      changed.append("limits.spill_directory")
    }
    if old.buffers != new.buffers { changed.append("buffers") }
    if (old.log.access == .off) != (new.log.access == .off) { changed.append("log.access") }
    return changed
  }
}
