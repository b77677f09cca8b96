import Balancing
import Network
import Proxy
import Reactor

/// A roster that was replaced, until no worker uses what was made from it.
struct RetiredRoster {
  var roster: ServerRoster
  let leases: [WeakLease]
}

/// Nil when no worker uses a snapshot made with the lease any more.
struct WeakLease {
  private(set) weak var lease: SnapshotLease?

  init(_ lease: SnapshotLease) { self.lease = lease }
}

// Servers: what checks and live traffic say of them, and where their names lead.
extension Supervisor {
  /// A server's health has changed: workers are told by its cell, the operator by the log.
  func publish(_ change: HealthChange) {
    let cell = change.target.cell
    directory.cells[cell].setMaintained(prober.maintained.contains(cell))
    switch change.transition {
    case .cameUp:
      note(change, isUp: true)
      logger.info("\(text(change))")
    case .wentDown:
      note(change, isUp: false)
      logger.warning("\(text(change))")
      workers.takeBack(from: change.target.cell)
      hurry(pool: change.target.pool, server: change.target.server)
    case .maintenanceBegan, .maintenanceEnded:
      logger.notice("\(text(change))")
    }
  }

  private func note(_ change: HealthChange, isUp: Bool) {
    directory.cells[change.target.cell].setHealthy(isUp, at: control.clock.now)
    // A server that comes up is as a rule a new process: it knows nothing of the old one's.
    if isUp { sessions?.lose(cell: change.target.cell, now: control.clock.now) }
    setting.healthChanged(change.target.address, isUp)
  }

  private func text(_ change: HealthChange) -> String {
    let pool = poolStatus.first { $0.name == change.target.pool }
    return HealthText.message(change, up: pool?.up ?? 0, of: pool?.count ?? 0)
  }

  /// How many servers of each pool take requests, and how many of those are in maintenance.
  var poolStatus: [ProcessStatus.Pool] {
    roster.status(directory, maintained: prober.maintained)
  }

  /// A server that fails may have moved: its name is looked up again soon.
  private func hurry(pool: String, server: String) {
    guard let index = configuration.poolIndex(named: pool),
      let placed = roster.servers[index].first(where: { $0.name == server }),
      case .name(let name) = placed.endpoint.host
    else { return }
    names.hurry(name, now: control.clock.now)
  }

  /// While a server stays down its name is looked up every few seconds, however long its
  /// lifetime: a container that was replaced has another address.
  func hurryNamesOfLost() {
    let now = control.clock.now
    guard now >= nextHurry else { return }
    nextHurry = now + Self.hurryInterval.nanoseconds
    for server in roster.servers.joined() where !directory.cells[server.slot].isHealthy {
      if case .name(let name) = server.endpoint.host { names.hurry(name, now: now) }
    }
  }

  static let hurryInterval: Duration = .seconds(5)

  /// Takes in what names were resolved to.
  func turnNames() {
    var isChanged = false
    var isReshaped = false
    for change in names.turn(now: control.clock.now) {
      do throws(ServerRoster.Full) {
        isChanged = true
        if try roster.assign(change.addresses, to: change.name, &directory) { isReshaped = true }
      } catch {
        logger.error("\(change.name): \(error); the addresses beyond are not used")
        isReshaped = true
      }
    }
    guard isChanged else { return }
    applyDrains()
    if isReshaped { publishSnapshots() }
    prober.track(roster.targets, &control)
  }

  /// Gives workers snapshots of the configuration with the servers as they are now.
  func publishSnapshots() {
    do throws(SnapshotError) {
      let lease = SnapshotLease()
      let snapshots = try Self.snapshots(
        workers.count, configuration, roster, registry, lease, sessions)
      current = current.filter { $0.lease != nil } + [WeakLease(lease)]
      workers.change(to: snapshots)
    } catch {
      logger.error("new addresses and weights are not used: \(error)")
    }
  }

  /// Frees the cells of servers that no worker can meet any more.
  func releaseRetired() {
    guard !retired.isEmpty else { return }
    retired.removeAll { old in
      guard old.leases.allSatisfy({ $0.lease == nil }) else { return false }
      var roster = old.roster
      roster.release(&directory)
      return true
    }
  }

  // MARK: Reports

  /// Writes out what a worker has seen.
  func write(_ report: WorkerReport) {
    switch report {
    case .server(let pool, let server, .ejected(let duration, let out)):
      ejections[pool, default: [:]][server, default: 0] += 1
      let time = HealthText.seconds(.nanoseconds(Int64(clamping: duration)))
      let servers = configuration.poolIndex(named: pool).map { roster.servers[$0] } ?? []
      let count = servers.count
      logger.warning(
        "server \(server) ejected for \(time) by failures of live traffic; pool \(pool): \(out) of \(count) out"
      )
      if let slot = servers.first(where: { $0.name == server })?.slot {
        workers.takeBack(from: slot)
      }
      hurry(pool: pool, server: server)
    case .server(let pool, let server, .readmitted):
      logger.info("server \(server) back in pool \(pool): it has answered a request")
    case .unreachable(let pool, let server):
      hurry(pool: pool, server: server)
    case .active(let pool): prober.wake(pool: pool, &control)
    case .file(let path, let error):
      say("\(path) cannot be served: \(error)")
    case .tls(let server, let problem): say("server \(server): \(problem)")
    }
  }

  /// A warning that may come with every request: said once a minute.
  func say(_ text: String) {
    guard let count = reports.admit(text, now: control.clock.now) else { return }
    logger.warning(count == 1 ? "\(text)" : "\(text) (\(count) times)")
  }

  /// Looks for what workers only count.
  func watchLimits() {
    let dropped = registry.table.sum(workerSlots.logDropped)
    if dropped != saidDropped {
      saidDropped = dropped
      say("access log: lines are lost, for whoever takes them does not keep up")
    }
    let refusals = spill.budget.refusals
    if refusals != saidRefusals {
      saidRefusals = refusals
      say(
        "limits.spill is reached: bodies stream instead of spilling, and slow clients hold servers")
    }
  }
}
