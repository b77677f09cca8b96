import Balancing
import CLibraries
import Configuration
import Logging
import Memory
import Network
import Proxy
import Reactor

extension Supervisor {
  /// Descriptors that are kept for files, logs and the control thread when the number of client
  /// connections is settled.
  static let reservedDescriptors = 256

  /// Reads the configuration, opens sockets and logs, and starts the workers. Call it before
  /// other threads are started, for they inherit which signals are blocked.
  public static func start(_ setting: Setting) throws(StartError) -> Supervisor {
    OpenSSL.stayAtExit()
    var files: [FileSight] = []
    let (loaded, diagnostics) = setting.source.load(noting: &files)
    guard let configuration = loaded else { throw .configuration(diagnostics) }
    setting.output?.level = configuration.log.level.severity
    for diagnostic in diagnostics { setting.logger.warning("\(diagnostic.oneLine)") }
    do {
      let supervisor = try Supervisor(setting, configuration, files)
      supervisor.announce()
      return supervisor
    } catch let error as CertificateProblem {
      // It has been read before and was good: it has changed meanwhile.
      throw .configuration([
        Diagnostic(.error, file: setting.source.name, problem: error.text, advice: error.advice)
      ])
    } catch let error as SnapshotError {
      throw .configuration([
        Diagnostic(.error, file: setting.source.name, problem: error.description)
      ])
    } catch {
      throw .machine("\(error)")
    }
  }

  private func announce() {
    let threads = workers.count == 1 ? "1 worker" : "\(workers.count) workers"
    for address in addresses { logger.info("listening on \(address) with \(threads)") }
    for address in adminAddresses { logger.info("admin listening on \(address)") }
    let wanted = configuration.limits.connections
    let limit = Self.connectionLimit(wanted, descriptorLimit)
    if limit < wanted {
      logger.notice(
        """
        \(descriptorLimit) descriptors allow \(limit) connections; limits.connections is \
        \(wanted): raise the limit of open files (ulimit -n) to reach it
        """)
    }
  }

  /// Connections of clients for which there are descriptors: each may need one to a server, too.
  static func connectionLimit(_ wanted: Int, _ descriptors: Int) -> Int {
    max(min(wanted, (descriptors - reservedDescriptors) / 2), 16)
  }

  /// Listening sockets for each worker, all at the same addresses.
  static func sockets(
    _ count: Int, _ listens: [Listen], unsentLimit: Int
  ) throws(ListenError) -> (addresses: [SocketAddress], places: [Int], numbers: [[Int32]]) {
    var first = try ListeningSockets(listens, sharesPort: true, unsentLimit: unsentLimit)
    let addresses = first.addresses
    let places = first.places
    var all: [[Int32]] = []
    do throws(ListenError) {
      all.append(first.releaseAll())
      for _ in 1..<max(count, 1) {
        var more = try ListeningSockets(beside: addresses, unsentLimit: unsentLimit)
        all.append(more.releaseAll())
      }
    } catch {
      for number in all.joined() { _ = Descriptor(owning: number) }
      throw error
    }
    return (addresses, places, all)
  }

  /// A snapshot for each worker.
  static func snapshots(
    _ count: Int, _ configuration: Configuration, _ roster: ServerRoster,
    _ registry: MetricRegistry, _ lease: SnapshotLease, _ sessions: SessionTable?
  ) throws(SnapshotError) -> [Snapshot] {
    let bindings = Snapshot.Bindings(
      servers: zip(configuration.pools, roster.servers).map { pool, servers in
        servers.map { server in
          Snapshot.Server(
            name: server.name, weight: server.weight, cell: server.slot,
            host: server.endpoint.description,
            counters: Metrics.serverSlots(pool.name, server.name, registry),
            isBackup: server.isBackup, capacity: server.capacity)
        }
      },
      pools: zip(configuration.pools, roster.poolSlots).enumerated().map { number, place in
        Snapshot.PoolBinding(
          cell: place.1,
          counters: Metrics.poolSlots(
            place.0.name, hasSessions: place.0.engineIO != nil, registry),
          tls: roster.tls(ofPool: number))
      },
      routes: configuration.routes.map { Metrics.routeSlots($0.name, registry) },
      lease: lease, sessions: sessions)
    var snapshots: [Snapshot] = []
    for _ in 0..<count { snapshots.append(try Snapshot(configuration, bindings)) }
    return snapshots
  }

  /// The table of sessions, if a pool needs one; there is never a second.
  static func sessions(for configuration: Configuration, known: SessionTable?) -> SessionTable? {
    if let known { return known }
    guard configuration.pools.contains(where: { $0.engineIO != nil }) else { return nil }
    return SessionTable(servers: serverLimit)
  }
}

extension LogSettings.Level {
  /// As swift-log has it.
  var severity: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    case .critical: .critical
    }
  }
}

extension LogSettings.Access {
  /// Where the writer writes; nil for nowhere.
  var destination: AccessLogWriter.Destination? {
    switch self {
    case .off: nil
    case .stdout: .standardOutput
    case .stderr: .standardError
    case .path(let path): .file(path)
    }
  }
}

extension Diagnostic {
  /// Without the excerpt, for a log: `martlet.yaml:7:13: "x" is not a strategy (did you mean …)`.
  var oneLine: String {
    let place = [fileName] + [line, column].compactMap { $0.map(String.init) }
    let more = advice.isEmpty ? "" : " (\(advice.joined(separator: "; ")))"
    return "\(place.joined(separator: ":")): \(problem)\(more)"
  }
}
