import Balancing
import Configuration
import Memory
import Network
import Testing

@Test func `a server keeps its cell over reloads and gives it back at the end`() {
  let cells = SharedTable(count: 2) { _ in ServerCell() }
  var directory = ServerDirectory(
    cells: cells, pools: SharedTable(count: 8) { _ in PoolCell() })
  let first = directory.claim(pool: "web", server: "a")
  #expect(first?.slot == 0 && first?.isNew == true)
  cells[0].setHealthy(true)

  let again = directory.claim(pool: "web", server: "a")
  #expect(again?.slot == 0 && again?.isNew == false)
  directory.release(pool: "web", server: "a")
  #expect(directory.slot(pool: "web", server: "a") == 0)
  var isHealthy = cells[0].isHealthy
  #expect(isHealthy, "what is known of it stays known")

  let other = directory.claim(pool: "realtime", server: "a")
  #expect(other?.slot == 1, "a name belongs to its pool")
  let none = directory.claim(pool: "web", server: "b")
  #expect(none == nil, "the table is full")

  directory.release(pool: "web", server: "a")
  #expect(directory.slot(pool: "web", server: "a") == nil)
  let next = directory.claim(pool: "web", server: "b")
  #expect(next?.slot == 0 && next?.isNew == true)
  isHealthy = cells[0].isHealthy
  #expect(!isHealthy, "another server knows nothing of it")
  #expect(directory.count == 2)
}

@Test func `an address can change and go`() {
  let cell = ServerCell()
  #expect(cell.address == nil)
  let addresses = [
    SocketAddress(IPAddress(v4: 10, 0, 0, 1), port: 8000),
    SocketAddress(.loopbackV6, port: 65535),
    SocketAddress(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 0xFFFF_0A00_0001), port: 0),
  ]
  for address in addresses {
    cell.setAddress(address)
    #expect(cell.address == address)
  }
  cell.setAddress(nil)
  #expect(cell.address == nil)
}

@Test func `cells do not share lines of cache`() {
  #expect(MemoryLayout<ServerCell>.stride == 128)
}

@Test func `a pool is planned as configured`() {
  var settings = PoolSettings(name: "web")
  settings.strategy = .hash([.header("Authorization"), .address])
  settings.affinity = .hash([.cookie("sid")])
  settings.ejection = nil
  let servers = [PoolPlan.Server(name: "a", weight: 3, slot: 7)]
  var plan = PoolPlan(settings, servers: servers)
  #expect(plan.name == "web" && plan.servers == servers && plan.strategy == .roundRobin)
  #expect(plan.keys == [.cookie("sid"), .header("Authorization"), .address])
  #expect(plan.ejection == nil && plan.cookie == nil)

  settings.strategy = .leastRequests
  settings.affinity = .cookie(AffinityCookie())
  settings.ejection = Ejection()
  plan = PoolPlan(settings, servers: servers)
  #expect(plan.strategy == .leastRequests && plan.keys.isEmpty)
  #expect(plan.cookie == AffinityCookie() && plan.ejection == EjectionRule(Ejection()))
}
