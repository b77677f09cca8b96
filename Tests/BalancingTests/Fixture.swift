import Balancing
import Memory
import Network

let second: UInt64 = 1_000_000_000

/// A table whose cells are all up and have an address.
func readyCells(_ count: Int) -> SharedTable<ServerCell> {
  let cells = SharedTable(count: count) { _ in ServerCell() }
  for i in 0..<count {
    cells[i].setHealthy(true)
    cells[i].setAddress(SocketAddress(IPAddress(v4: 10, 0, 0, UInt8(i & 255)), port: 8000))
  }
  return cells
}

/// A pool of servers `a`, `b`, … in the slots 0, 1, …
func plan(
  weights: [Int], _ strategy: PoolPlan.Strategy = .roundRobin, ejection: EjectionRule? = nil
) -> PoolPlan {
  var plan = PoolPlan(
    name: "web",
    servers: weights.enumerated().map { i, weight in
      PoolPlan.Server(name: name(i), weight: weight, slot: i)
    }, strategy: strategy)
  plan.ejection = ejection
  return plan
}

func name(_ server: Int) -> String {
  server < 26 ? String(UnicodeScalar(UInt8(97 + server))) : "s\(server)"
}

/// The letters of the servers picked in a row.
func picks(_ count: Int, from balancer: inout Balancer, now: UInt64 = 0) -> String {
  var text = ""
  for _ in 0..<count {
    text += balancer.pick(pool: 0, now: now).map(name) ?? "-"
  }
  return text
}

/// A key that a request with this value of the header `x-key` has.
func key(_ value: String, in balancer: borrowing Balancer) -> AffinityKey {
  var key = AffinityKey()
  balancer.observe(pool: 0, name: "x-key".utf8.span, value: value.utf8.span, key: &key)
  return key
}
