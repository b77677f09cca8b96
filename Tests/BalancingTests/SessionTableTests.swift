import Balancing
import Testing

@Suite struct SessionTableTests {
  private func key(_ name: String) -> UInt64 { SessionTable.key(of: name.utf8.span) }

  @Test func `a session is remembered with the server that opened it`() {
    let table = SessionTable(servers: 2)
    table.learn(key("one"), at: 7, now: 10, until: 100)
    table.learn(key("two"), at: 8, now: 20, until: 100)
    #expect(table.home(of: key("one"), now: 30, until: 100)?.server == 7)
    #expect(table.home(of: key("two"), now: 30, until: 100)?.server == 8)
    #expect(table.home(of: key("two"), now: 30, until: 100)?.since == 20)
    #expect(table.home(of: key("three"), now: 30, until: 100) == nil)
  }

  @Test func `a session that asks for nothing is forgotten, one that does is not`() {
    let table = SessionTable(servers: 1)
    table.learn(key("busy"), at: 7, now: 0, until: 100)
    table.learn(key("silent"), at: 7, now: 0, until: 100)
    #expect(table.home(of: key("busy"), now: 99, until: 199) != nil)
    #expect(table.home(of: key("silent"), now: 100, until: 200) == nil)
    #expect(table.home(of: key("busy"), now: 198, until: 298) != nil)
  }

  @Test func `a name that is opened again belongs to the latest server`() {
    let table = SessionTable(servers: 1)
    table.learn(key("one"), at: 7, now: 0, until: 100)
    table.learn(key("one"), at: 8, now: 1, until: 101)
    #expect(table.home(of: key("one"), now: 2, until: 102)?.server == 8)
  }

  @Test func `in a full table the session that was used longest ago gives way`() {
    let table = SessionTable(servers: 1, sets: 1)
    for i in 0..<16 { table.learn(UInt64(i + 1), at: 7, now: 0, until: 1000 + UInt64(i)) }
    #expect(table.home(of: 1, now: 1, until: 2000) != nil)
    table.learn(99, at: 7, now: 2, until: 2002)
    #expect(table.home(of: 2, now: 3, until: 2003) == nil)
    #expect(table.home(of: 1, now: 3, until: 2003) != nil)
    #expect(table.home(of: 99, now: 3, until: 2003) != nil)
  }

  @Test func `thousands of sessions fit`() {
    let table = SessionTable(servers: 1)
    for i in 0..<5000 { table.learn(key("session-\(i)"), at: 7, now: 0, until: 100) }
    let known = (0..<5000).count { table.home(of: key("session-\($0)"), now: 1, until: 100) != nil }
    #expect(known == 5000)
    #expect(table.count(at: 1) == 5000)
  }

  @Test func `those that are forgotten do not count`() {
    let table = SessionTable(servers: 1)
    #expect(table.count(at: 0) == 0)
    table.learn(key("one"), at: 7, now: 0, until: 100)
    table.learn(key("one"), at: 8, now: 1, until: 100)
    table.learn(key("two"), at: 8, now: 1, until: 200)
    #expect(table.count(at: 99) == 2)
    #expect(table.count(at: 100) == 1)
    #expect(table.count(at: 200) == 0)
  }

  @Test func `what a server had opened before it was lost is lost`() {
    let table = SessionTable(servers: 2)
    table.lose(cell: 1, now: 50)
    #expect(table.isLost(50, cell: 1))
    #expect(!table.isLost(51, cell: 1))
    #expect(!table.isLost(50, cell: 0))
  }

  @Test func `a session's server may drain or be ejected, but must be up`() {
    let cells = readyCells(2)
    let balancer = Balancer([plan(weights: [1, 1])], cells: cells, worker: 0, workers: 1)
    let identity = balancer.identity(pool: 0, server: 1)
    #expect(balancer.home(pool: 0, identity: identity) == 1)
    cells[1].setDraining(true)
    #expect(balancer.home(pool: 0, identity: identity) == 1)
    cells[1].setHealthy(false)
    #expect(balancer.home(pool: 0, identity: identity) == nil)
    #expect(balancer.home(pool: 0, identity: 12345) == nil)
  }

  @Test func `a reload changes no server's name`() {
    let cells = readyCells(2)
    let before = Balancer([plan(weights: [1, 1])], cells: cells, worker: 0, workers: 1)
    let after = Balancer(
      [plan(weights: [1]), plan(weights: [3, 1])], cells: cells, worker: 0, workers: 1, seed: 9)
    let identity = before.identity(pool: 0, server: 1)
    #expect(after.home(pool: 1, identity: identity) == 1)
  }

  @Test func `many threads use one table`() async {
    let table = SessionTable(servers: 1, sets: 4)
    let strangers = await withTaskGroup(of: Int.self) { group in
      for thread in 0..<8 {
        group.addTask {
          (0..<2000).count { i in
            let session = UInt64(thread << 32 | i + 1)
            table.learn(session, at: session, now: 0, until: 100)
            let home = table.home(of: session, now: 1, until: 100)
            return home != nil && home?.server != session
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(strangers == 0)
  }
}
