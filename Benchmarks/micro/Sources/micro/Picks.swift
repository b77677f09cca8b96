import Balancing
import Configuration
import Memory
import Network

/// Choosing a server, by each strategy, of few and of many that are all up.
enum Picks {
  /// How a request finds its server.
  private struct Way {
    let name: String
    var strategy = PoolPlan.Strategy.roundRobin
    var keys: [HashKey] = []
  }

  private static let ways = [
    Way(name: "round_robin"),
    Way(name: "least_requests", strategy: .leastRequests),
    Way(name: "random_two", strategy: .randomTwo),
    Way(name: "least_time", strategy: .leastTime),
    Way(name: "hash", keys: [.address]),
  ]

  static var benchmarks: [Benchmark] {
    ways.flatMap { way in [3, 300].map { servers in benchmark(way, servers) } }
  }

  /// With ejection on, as it is unless told otherwise.
  private static func benchmark(_ way: Way, _ servers: Int) -> Benchmark {
    Benchmark("pick one of \(servers) servers, \(way.name)") {
      let cells = SharedTable(count: servers) { _ in ServerCell() }
      for i in 0..<servers {
        cells[i].setHealthy(true)
        cells[i].setAddress(
          SocketAddress(IPAddress(v4: 10, 0, UInt8(i / 256), UInt8(i % 256)), port: 80))
      }
      var plan = PoolPlan(
        name: "web", servers: (0..<servers).map { PoolPlan.Server(name: "server \($0)", slot: $0) },
        strategy: way.strategy)
      plan.keys = way.keys
      plan.ejection = EjectionRule(Ejection())
      var balancer = Balancer([plan], cells: cells, worker: 0, workers: 1)
      var key = AffinityKey()
      balancer.observe(pool: 0, address: IPAddress(v4: 192, 0, 2, 1), key: &key)
      var now: UInt64 = 0
      return { count in pick(count, from: &balancer, key, &now) }
    }
  }

  private static func pick(
    _ count: Int, from balancer: inout Balancer, _ key: AffinityKey, _ now: inout UInt64
  ) -> Int {
    var found = 0
    for _ in 0..<count {
      now += 1
      found += balancer.pick(pool: 0, key: key, now: now) == nil ? 0 : 1
    }
    return found
  }
}
