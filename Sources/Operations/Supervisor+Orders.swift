import Balancing
import Configuration

/// One server as the admin listener shows it.
struct ServerView: Equatable {
  /// The first that holds tells more than those behind it.
  enum State: String {
    case draining, down, ejected, maintenance, up
  }

  let pool: String
  let name: String
  let instance: String?
  let address: String?
  let state: State
  /// What health checks say: they go on during a drain.
  let isHealthy: Bool
  let inFlight: Int
  /// 0 is no limit.
  let capacity: Int
  let weight: Int

  /// - Parameter isNamingPool: where servers of several pools stand together.
  func json(isNamingPool: Bool) -> String {
    var keys: [String] = []
    if isNamingPool { keys.append("\"pool\":\(JSONText.quoted(pool))") }
    keys.append("\"name\":\(JSONText.quoted(name))")
    if let address { keys.append("\"address\":\(JSONText.quoted(address))") }
    if let instance { keys.append("\"instance\":\(JSONText.quoted(instance))") }
    keys.append("\"state\":\"\(state.rawValue)\",\"healthy\":\(isHealthy)")
    keys.append("\"in_flight\":\(inFlight),\"weight\":\(weight)")
    if capacity > 0 { keys.append("\"capacity\":\(capacity)") }
    return "{\(keys.joined(separator: ","))}"
  }
}

// What operators order by the admin listener.
extension Supervisor {
  /// Shows the servers of all pools.
  func poolsPage() -> AdminResponse {
    let views = serverViews
    let pools = zip(poolStatus, roster.poolSlots).map { pool, slot in
      let servers = views.filter { $0.pool == pool.name }.map { $0.json(isNamingPool: false) }
      return "{\"name\":\(JSONText.quoted(pool.name)),\"up\":\(pool.up),\"of\":\(pool.count),"
        + "\"waiting\":\(directory.pools[slot].waiting),"
        + "\"servers\":[\(servers.joined(separator: ","))]}"
    }
    return .json(200, "{\"pools\":[\(pools.joined(separator: ","))]}\n")
  }

  /// Shows the servers that are one instance together, in whatever pools.
  func instancesPage() -> AdminResponse {
    let views = serverViews
    let instances = instanceNames.map { name in
      let servers = views.filter { $0.instance == name }.map { $0.json(isNamingPool: true) }
      return "{\"name\":\(JSONText.quoted(name)),\"servers\":[\(servers.joined(separator: ","))]}"
    }
    return .json(200, "{\"instances\":[\(instances.joined(separator: ","))]}\n")
  }

  /// Drains servers, or gives them requests again.
  ///
  /// - Parameter isMeant: given a pool's name and a server of it.
  func drain(
    _ isDrained: Bool, where isMeant: (String, ServerSettings) -> Bool
  ) -> AdminResponse {
    for pool in configuration.pools {
      for server in pool.servers where isMeant(pool.name, server) {
        orders.drain(isDrained, pool: pool.name, server: server)
      }
    }
    roster.take(orders)
    applyDrains()
    return shown(where: isMeant)
  }

  /// Gives a server another weight.
  func weigh(_ weight: Int, pool: String, server: ServerSettings) -> AdminResponse {
    let before = orders[pool: pool, server: server.name].weight ?? server.weight
    orders.weigh(weight, pool: pool, server: server)
    roster.take(orders)
    if weight != before {
      logger.notice(
        "server \(server.name) of pool \(pool): weight \(weight), before it was \(before)")
      publishSnapshots()
    }
    return shown { $0 == pool && $1.name == server.name }
  }

  /// Tells cells and workers which servers drain.
  func applyDrains() {
    for change in roster.applyDrains(directory) {
      let pool = poolStatus.first { $0.name == change.pool }
      let left = "pool \(change.pool): \(pool?.up ?? 0) of \(pool?.count ?? 0)"
      let server = "server \(change.server)"
      moveClients(change)
      if change.isDrained {
        workers.giveUpIdle(to: change.slot)
        let count = directory.cells[change.slot].inFlight
        let busy = count == 1 ? "1 request" : "\(count) requests"
        logger.notice("\(server) drains: it finishes \(busy); \(left) left")
      } else {
        logger.notice("\(server) is drained no more; \(left) up")
      }
    }
  }

  /// Lets the clients of a server move, whose sessions no other server knows, or stay.
  private func moveClients(_ change: ServerRoster.DrainChange) {
    guard let index = configuration.poolIndex(named: change.pool),
      let settings = configuration.pools[index].engineIO
    else { return }
    if change.isDrained {
      workers.moveClients(of: change.slot, within: settings.drainWindow.nanoseconds)
    } else {
      workers.letClientsStay(with: change.slot)
    }
  }

  /// Who is no longer in the file has no clients to come, but some to go.
  func moveClients(ofServersGoneSince old: ServerRoster) {
    for (pool, slot) in old.slots(goneIn: roster) {
      guard let settings = pool.engineIO else { continue }
      workers.moveClients(of: slot, within: settings.drainWindow.nanoseconds)
    }
  }

  // MARK: Names

  func server(_ server: String, of pool: String) throws(AdminRefusal) -> ServerSettings {
    guard let index = configuration.poolIndex(named: pool) else {
      throw AdminRefusal(
        404, "there is no pool \(pool)", expected: configuration.pools.map(\.name))
    }
    let servers = configuration.pools[index].servers
    guard let found = servers.first(where: { $0.name == server }) else {
      throw AdminRefusal(
        404, "there is no server \(server) in pool \(pool)", expected: servers.map(\.name))
    }
    return found
  }

  func requireInstance(_ name: String) throws(AdminRefusal) {
    guard instanceNames.contains(name) else {
      throw AdminRefusal(404, "there is no instance \(name)", expected: instanceNames)
    }
  }

  /// In the order of the file, each once.
  private var instanceNames: [String] {
    var names: [String] = []
    for case let name? in configuration.pools.flatMap(\.servers).map(\.instance)
    where !names.contains(name) {
      names.append(name)
    }
    return names
  }

  // MARK: Views

  private func shown(where isMeant: (String, ServerSettings) -> Bool) -> AdminResponse {
    let servers = zip(configuration.pools, roster.servers).flatMap { pool, placed in
      placed.filter { isMeant(pool.name, $0.settings) }
        .map { view($0, of: pool.name).json(isNamingPool: true) }
    }
    return .json(200, "{\"servers\":[\(servers.joined(separator: ","))]}\n")
  }

  private var serverViews: [ServerView] {
    zip(configuration.pools, roster.servers).flatMap { pool, servers in
      servers.map { view($0, of: pool.name) }
    }
  }

  private func view(_ server: ServerRoster.Placed, of pool: String) -> ServerView {
    let slot = server.slot
    let address = directory.cells[slot].address
    let isHealthy = directory.cells[slot].isHealthy && address != nil
    let state: ServerView.State =
      if directory.cells[slot].isDraining {
        .draining
      } else if !isHealthy {
        .down
      } else if directory.cells[slot].isEjected {
        .ejected
      } else if prober.maintained.contains(slot) {
        .maintenance
      } else {
        .up
      }
    return ServerView(
      pool: pool, name: server.name, instance: server.settings.instance,
      address: address?.description, state: state, isHealthy: isHealthy,
      inFlight: directory.cells[slot].inFlight, capacity: server.capacity, weight: server.weight)
  }
}
