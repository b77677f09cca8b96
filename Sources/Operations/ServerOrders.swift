import Configuration

/// What operators have ordered for servers while the process runs, where it differs from the file.
/// It outlives reloads, and no restart.
struct ServerOrders: Equatable {
  struct Order: Equatable {
    var isDrained: Bool?
    var weight: Int?
  }

  private struct Name: Hashable {
    let pool: String
    let server: String
  }

  private var orders: [Name: Order] = [:]

  subscript(pool pool: String, server server: String) -> Order {
    orders[Name(pool: pool, server: server)] ?? Order()
  }

  /// What the file says needs no order.
  mutating func drain(_ isDrained: Bool, pool: String, server: ServerSettings) {
    change(pool, server) { $0.isDrained = isDrained == server.isDrained ? nil : isDrained }
  }

  mutating func weigh(_ weight: Int, pool: String, server: ServerSettings) {
    change(pool, server) { $0.weight = weight == server.weight ? nil : weight }
  }

  private mutating func change(
    _ pool: String, _ server: ServerSettings, _ change: (inout Order) -> Void
  ) {
    let name = Name(pool: pool, server: server.name)
    var order = orders[name] ?? Order()
    change(&order)
    orders[name] = order == Order() ? nil : order
  }

  /// What is left of the orders when another file takes effect: those for servers that stay. A
  /// file that says something else than the one before, of `drain` or `weight`, is the newer order.
  func kept(from old: [PoolSettings], to new: [PoolSettings]) -> ServerOrders {
    var kept = ServerOrders()
    for pool in new {
      guard let before = old.first(where: { $0.name == pool.name }) else { continue }
      for server in pool.servers {
        guard let was = before.servers.first(where: { $0.name == server.name }) else { continue }
        let order = self[pool: pool.name, server: server.name]
        if let isDrained = order.isDrained, was.isDrained == server.isDrained {
          kept.drain(isDrained, pool: pool.name, server: server)
        }
        if let weight = order.weight, was.weight == server.weight {
          kept.weigh(weight, pool: pool.name, server: server)
        }
      }
    }
    return kept
  }
}
