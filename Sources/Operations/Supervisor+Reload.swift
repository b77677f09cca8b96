import Balancing
import Configuration
import Proxy

// A new configuration, without a restart.
extension Supervisor {
  /// Reads the configuration again. A bad one is reported, and the old one goes on.
  func reload() {
    guard shutdown.isRunning else {
      logger.notice("no reload: the process is ending")
      return
    }
    var files: [FileSight] = []
    let (loaded, diagnostics) = setting.source.load(noting: &files)
    watch.taken(files)
    guard let next = loaded else {
      for diagnostic in diagnostics { logger.error("\(diagnostic.oneLine)") }
      return refuse("\(setting.source.name) has errors")
    }
    for diagnostic in diagnostics { logger.warning("\(diagnostic.oneLine)") }
    do {
      try adopt(next)
    } catch {
      return refuse("\(error)")
    }
    reloads.succeeded += 1
    lastReloadSucceeded = true
    lastReload = control.clock.wall
    logger.notice("configuration reloaded from \(setting.source.name)")
  }

  private func refuse(_ reason: String) {
    reloads.failed += 1
    lastReloadSucceeded = false
    logger.error("configuration not reloaded: \(reason); the old one goes on")
  }

  private func adopt(_ next: Configuration) throws {
    var new = try ServerRoster(next.pools, &directory) { names.addresses(of: $0) }
    let lease = SnapshotLease()
    let snapshots: [Snapshot]
    do throws(SnapshotError) {
      snapshots = try Self.snapshots(workers.count, next, new, registry, lease)
    } catch {
      new.release(&directory)
      throw error
    }
    for setting in Self.fixedSettings(configuration, next) {
      logger.warning("\(setting) has changed: that takes effect at the next start")
    }
    retired.append(RetiredRoster(roster: roster, leases: current))
    roster = new
    current = [WeakLease(lease)]
    setting.output?.level = next.log.level.severity
    if let destination = next.log.access.destination, next.log.access != configuration.log.access {
      accessLog?.reopen(destination)
    }
    configuration = next
    names.track(new.names, now: control.clock.now)
    prober.track(new.targets, &control)
    workers.change(to: snapshots)
  }

  /// What a reload cannot change, of all that differs.
  static func fixedSettings(_ old: Configuration, _ new: Configuration) -> [String] {
    var changed: [String] = []
    if old.listen != new.listen { changed.append("listen") }
    if old.workers != new.workers { changed.append("workers") }
    if old.admin != new.admin { changed.append("admin") }
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
