public import Balancing
import CLibraries
public import Configuration
public import Network
import Proxy

/// The servers of one configuration with their addresses and cells: what workers, prober and
/// probes are told of them. It is used by the control thread alone.
public struct ServerRoster {
  struct Pool {
    let settings: PoolSettings
    /// Of its cell.
    let slot: Int
    var servers: [Server]
    /// What TLS with its servers is made with.
    var context: TLSContext?
  }

  struct Server {
    let settings: ServerSettings
    var places: AddressPlaces
    /// Of the cell of each place.
    var slots: [Int] = []
    var order = ServerOrders.Order()

    var weight: Int { order.weight ?? settings.weight }
    var isDrained: Bool { order.isDrained ?? settings.isDrained }
  }

  /// A server that drains now, or does not any more.
  struct DrainChange: Equatable {
    let pool: String
    let server: String
    let isDrained: Bool
    /// Of its cell.
    let slot: Int
  }

  /// More servers, or pools, than there are cells.
  public struct Full: Error, Equatable, Sendable, CustomStringConvertible {
    public let limit: Int
    public var noun = "servers"
    public var description: String { "more than \(limit) \(noun)" }
  }

  private(set) var pools: [Pool]

  /// The servers of a configuration, each claimed in the directory.
  ///
  /// - Parameter addresses: what is known of a name already.
  public init(
    _ settings: [PoolSettings], _ directory: inout ServerDirectory,
    addresses: (String) -> [IPAddress]?
  ) throws(Full) {
    pools = []
    for pool in settings {
      guard let slot = directory.claim(pool: pool.name) else {
        release(&directory)
        throw Full(limit: directory.pools.count, noun: "pools")
      }
      let servers = pool.servers.map { server in
        var places = AddressPlaces()
        switch server.endpoint.host {
        case .address(let address): places = AddressPlaces(address)
        case .name(let name): if let known = addresses(name) { places.assign(known) }
        case .any: break
        }
        return Server(settings: server, places: places)
      }
      pools.append(Pool(settings: pool, slot: slot, servers: servers))
    }
    do throws(Full) {
      try claimPlaces(&directory)
    } catch {
      release(&directory)
      throw error
    }
  }

  /// Gives all cells back: the last worker has left this configuration.
  public mutating func release(_ directory: inout ServerDirectory) {
    for pool in pools.indices {
      for server in pools[pool].servers.indices {
        while !pools[pool].servers[server].slots.isEmpty {
          releaseLast(pool, server, &directory)
        }
      }
      directory.release(pool: pools[pool].settings.name)
    }
    pools = []
  }

  /// Names to be kept up to date.
  public var names: Set<String> {
    var names: Set<String> = []
    for pool in pools {
      for server in pool.servers {
        if case .name(let name) = server.settings.endpoint.host { names.insert(name) }
      }
    }
    return names
  }

  /// A name has other addresses: servers move, and there may be more of them or fewer.
  ///
  /// - Returns: whether workers need a new snapshot, for the places have changed in number.
  ///   Cells of places that are no longer needed stay claimed until the roster is released, so
  ///   that a worker which has not heard yet finds nobody else in them.
  public mutating func assign(
    _ addresses: [IPAddress], to name: String, _ directory: inout ServerDirectory
  ) throws(Full) -> Bool {
    var isReshaped = false
    for pool in pools.indices {
      for server in pools[pool].servers.indices
      where pools[pool].servers[server].settings.endpoint.host == .name(name) {
        let before = pools[pool].servers[server].places.places.count
        pools[pool].servers[server].places.assign(addresses)
        if pools[pool].servers[server].places.places.count != before { isReshaped = true }
      }
    }
    try claimPlaces(&directory)
    return isReshaped
  }

  private mutating func claimPlaces(_ directory: inout ServerDirectory) throws(Full) {
    for pool in pools.indices {
      for server in pools[pool].servers.indices {
        try claimPlaces(pool, server, &directory)
      }
    }
  }

  private mutating func claimPlaces(
    _ pool: Int, _ server: Int, _ directory: inout ServerDirectory
  ) throws(Full) {
    let settings = pools[pool].servers[server].settings
    let places = pools[pool].servers[server].places.places
    for (place, address) in places.enumerated() {
      if place == pools[pool].servers[server].slots.count {
        let name = AddressPlaces.name(settings.name, place: place)
        guard
          let (slot, isNew) = directory.claim(pool: pools[pool].settings.name, server: name)
        else { throw Full(limit: directory.cells.count) }
        pools[pool].servers[server].slots.append(slot)
        if isNew {
          directory.cells[slot].setDraining(pools[pool].servers[server].isDrained)
        }
        // Without checks a server counts as up; with them a new one has to prove itself.
        if pools[pool].settings.health == nil {
          directory.cells[slot].setHealthy(true)
        } else if isNew {
          directory.cells[slot].setHealthy(false)
        }
      }
      let slot = pools[pool].servers[server].slots[place]
      directory.cells[slot].setCapacity(settings.capacity ?? pools[pool].settings.capacity)
      let next = address.map { SocketAddress($0, port: settings.endpoint.port) }
      if directory.cells[slot].address != next { directory.cells[slot].setAddress(next) }
    }
    for slot in pools[pool].servers[server].slots.dropFirst(places.count) {
      directory.cells[slot].setAddress(nil)
    }
  }

  // MARK: Orders

  /// Takes in what operators have ordered; cells are told by `applyDrains`.
  mutating func take(_ orders: ServerOrders) {
    for pool in pools.indices {
      for server in pools[pool].servers.indices {
        pools[pool].servers[server].order =
          orders[
            pool: pools[pool].settings.name, server: pools[pool].servers[server].settings.name]
      }
    }
  }

  /// Lets cells say which servers drain; answers those that said otherwise before.
  func applyDrains(_ directory: borrowing ServerDirectory) -> [DrainChange] {
    var changes: [DrainChange] = []
    for pool in pools {
      for server in pool.servers {
        for (place, slot) in server.slots.enumerated()
        where directory.cells[slot].isDraining != server.isDrained {
          directory.cells[slot].setDraining(server.isDrained)
          changes.append(
            DrainChange(
              pool: pool.settings.name,
              server: AddressPlaces.name(server.settings.name, place: place),
              isDrained: server.isDrained, slot: slot))
        }
      }
    }
    return changes
  }

  /// The cells of servers that are not in `next`, each with its pool as it was.
  func slots(goneIn next: ServerRoster) -> [(pool: PoolSettings, slot: Int)] {
    let kept = Set(next.pools.flatMap(\.servers).flatMap(\.slots))
    return pools.flatMap { pool in
      pool.servers.flatMap(\.slots).filter { !kept.contains($0) }.map { (pool.settings, $0) }
    }
  }

  private mutating func releaseLast(
    _ pool: Int, _ server: Int, _ directory: inout ServerDirectory
  ) {
    let place = pools[pool].servers[server].slots.count - 1
    pools[pool].servers[server].slots.removeLast()
    directory.release(
      pool: pools[pool].settings.name,
      server: AddressPlaces.name(pools[pool].servers[server].settings.name, place: place))
  }

  // MARK: What others are told

  /// A server in one of its places.
  public struct Placed: Equatable, Sendable {
    /// Unique in its pool.
    public let name: String
    public let weight: Int
    /// Of its cell.
    public let slot: Int
    /// As the configuration has it.
    public let settings: ServerSettings
    public var endpoint: Endpoint { settings.endpoint }
    public var isBackup: Bool { settings.isBackup }
    /// How many requests it gets at once; 0 is no limit.
    public let capacity: Int
  }

  /// The servers that there really are, by pool: several for a name with several addresses.
  public var servers: [[Placed]] {
    pools.map { pool in
      pool.servers.flatMap { server in
        server.places.places.indices.map { place in
          Placed(
            name: AddressPlaces.name(server.settings.name, place: place),
            weight: server.weight, slot: server.slots[place], settings: server.settings,
            capacity: server.settings.capacity ?? pool.settings.capacity)
        }
      }
    }
  }

  /// The slots of the pools' cells.
  public var poolSlots: [Int] { pools.map(\.slot) }

  /// The servers to be checked: those of pools with `health` that have an address.
  public var targets: [ProbeTarget] {
    var targets: [ProbeTarget] = []
    for pool in pools {
      guard let check = pool.settings.health else { continue }
      for server in pool.servers {
        for (place, address) in server.places.places.enumerated() {
          guard let address else { continue }
          targets.append(
            ProbeTarget(
              cell: server.slots[place], pool: pool.settings.name, poolCell: pool.slot,
              server: AddressPlaces.name(server.settings.name, place: place),
              address: SocketAddress(address, port: server.settings.endpoint.port),
              host: server.settings.endpoint.description, check: check,
              tls: pool.settings.tls.flatMap { tls in
                pool.context.map { ProbeTarget.TLS($0, tls.peer(of: server.settings.endpoint)) }
              }))
        }
      }
    }
    return targets
  }

  /// - Parameter contexts: by pool; nil for plain HTTP.
  mutating func secure(by contexts: [TLSContext?]) {
    for (i, context) in contexts.enumerated() { pools[i].context = context }
  }

  /// What a worker is told of TLS with the servers of a pool, each of whose places is one.
  func tls(ofPool number: Int) -> UpstreamTLS? {
    let pool = pools[number]
    guard let context = pool.context, let tls = pool.settings.tls else { return nil }
    return UpstreamTLS(context: context, peers: servers[number].map { tls.peer(of: $0.endpoint) })
  }

  /// How many servers of each pool take requests.
  ///
  /// - Parameter maintained: the cells of servers whose sites are being maintained.
  func status(
    _ directory: borrowing ServerDirectory, maintained: Set<Int>
  ) -> [ProcessStatus.Pool] {
    zip(pools, servers).map { pool, servers in
      let up = servers.filter { Self.isUp(directory.cells[$0.slot]) }
      return ProcessStatus.Pool(
        name: pool.settings.name, isRequired: pool.settings.isRequired, up: up.count,
        count: servers.count, maintained: up.count { maintained.contains($0.slot) })
    }
  }

  /// Whether a server is up, has an address and is not being drained. An ejection does not
  /// count: it is over in seconds.
  static func isUp(_ cell: borrowing ServerCell) -> Bool {
    cell.isHealthy && !cell.isDraining && cell.address != nil
  }
}
