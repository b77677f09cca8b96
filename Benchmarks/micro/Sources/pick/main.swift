// What choosing a server costs, in nanoseconds: each strategy over few and over many servers that
// are all up. One thread; the best of several rounds, for whatever disturbs a round makes it slower.

import Balancing
import Configuration
import Memory
import Network

let rounds = 9
let sizes = [3, 300]

/// How a request finds its server.
struct Way {
  let name: String
  var strategy = PoolPlan.Strategy.roundRobin
  var keys: [HashKey] = []
}

let ways = [
  Way(name: "round_robin"),
  Way(name: "least_requests", strategy: .leastRequests),
  Way(name: "random_two", strategy: .randomTwo),
  Way(name: "least_time", strategy: .leastTime),
  Way(name: "hash", keys: [.address]),
]

/// Nanoseconds for one pick, with ejection on, as it is unless told otherwise.
func cost(_ way: Way, servers count: Int) -> Double {
  let cells = SharedTable(count: count) { _ in ServerCell() }
  for i in 0..<count {
    cells[i].setHealthy(true)
    cells[i].setAddress(
      SocketAddress(IPAddress(v4: 10, 0, UInt8(i / 256), UInt8(i % 256)), port: 80))
  }
  var plan = PoolPlan(
    name: "web", servers: (0..<count).map { PoolPlan.Server(name: "server \($0)", slot: $0) },
    strategy: way.strategy)
  plan.keys = way.keys
  plan.ejection = EjectionRule(Ejection())
  var balancer = Balancer([plan], cells: cells, worker: 0, workers: 1)

  var key = AffinityKey()
  balancer.observe(pool: 0, address: IPAddress(v4: 192, 0, 2, 1), key: &key)
  let picks = 600_000 / count + 20_000
  var best = Duration.seconds(1000)
  var sum = 0
  for _ in 0..<rounds {
    let elapsed = ContinuousClock().measure {
      for now in 1...UInt64(picks) { sum += balancer.pick(pool: 0, key: key, now: now) ?? -1 }
    }
    best = min(best, elapsed)
  }
  precondition(sum >= 0, "every pick has found a server")
  return best / .nanoseconds(1) / Double(picks)
}

func row(_ cells: [String]) {
  print("| " + cells.joined(separator: " | ") + " |")
}

row(["ns for one pick"] + sizes.map { "\($0) servers" })
row(["---"] + sizes.map { _ in "---:" })
for way in ways {
  row([way.name] + sizes.map { "\(Int(cost(way, servers: $0).rounded()))" })
}
