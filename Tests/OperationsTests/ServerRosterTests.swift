import Balancing
import Configuration
import Memory
import Network
import Operations
import Testing

private func ip(_ last: UInt8) -> IPAddress { IPAddress(v4: 192, 0, 2, last) }

private func pool(
  _ name: String, _ servers: [String], isChecked: Bool = true
) throws -> PoolSettings {
  var pool = PoolSettings(name: name)
  pool.servers = try servers.map { ServerSettings(try Endpoint($0)) }
  pool.health = isChecked ? HealthCheck(path: "/ping") : nil
  return pool
}

private func names(_ roster: ServerRoster) -> [String] {
  roster.servers[0].map(\.name)
}

private func directory(_ count: Int = 8) -> ServerDirectory {
  ServerDirectory(
    cells: SharedTable(count: count) { _ in ServerCell() },
    pools: SharedTable(count: 8) { _ in PoolCell() })
}

@Test func `an address is known at once and a name when it is resolved`() throws {
  var book = directory()
  var roster = try ServerRoster([pool("erp", ["192.0.2.1:80", "b:8000"])], &book) { _ in nil }
  #expect(roster.names == ["b"])
  #expect(roster.targets.map(\.address) == [SocketAddress(ip(1), port: 80)])
  #expect(names(roster) == ["192.0.2.1:80", "b:8000"])

  #expect(try !roster.assign([ip(2)], to: "b", &book))
  #expect(roster.targets.map(\.address.description) == ["192.0.2.1:80", "192.0.2.2:8000"])
  #expect(roster.targets.map(\.host) == ["192.0.2.1:80", "b:8000"])
  let slots = roster.servers[0].map(\.slot)
  #expect(book.cells[slots[1]].address == SocketAddress(ip(2), port: 8000))
  #expect(book.cells[slots[1]].isHealthy == false, "a server starts down")
}

@Test func `several addresses are several servers that keep their cells`() throws {
  var book = directory()
  var roster = try ServerRoster([pool("erp", ["b:8000"])], &book) { _ in [ip(1), ip(2)] }
  let before = roster.servers[0].map(\.slot)
  #expect(names(roster) == ["b:8000", "b:8000#2"])
  #expect(try roster.assign([ip(2), ip(3), ip(4)], to: "b", &book))
  let after = roster.servers[0].map(\.slot)
  #expect(after.prefix(2) == before.prefix(2))
  #expect(after.map { book.cells[$0].address?.address } == [ip(3), ip(2), ip(4)])

  #expect(try roster.assign([ip(3)], to: "b", &book))
  #expect(names(roster) == ["b:8000"])
  #expect(book.cells[after[1]].address == nil)
  #expect(book.count == 3, "a worker may not have heard yet")
  roster.release(&book)
  #expect(book.count == 0)
}

@Test func `a server that is not checked counts as up`() throws {
  var book = directory()
  let roster = try ServerRoster(
    [pool("erp", ["192.0.2.1:80", "b:80"], isChecked: false)], &book
  ) { _ in nil }
  #expect(roster.targets.isEmpty)
  let slot = roster.servers[0][0].slot
  #expect(book.cells[slot].isHealthy == true)
}

@Test func `a server that stays over a reload keeps its health`() throws {
  var book = directory()
  var old = try ServerRoster([pool("erp", ["192.0.2.1:80"])], &book) { _ in nil }
  let slot = old.servers[0][0].slot
  book.cells[slot].setHealthy(true)
  var next = try ServerRoster(
    [pool("erp", ["192.0.2.1:80", "192.0.2.2:80"])], &book
  ) { _ in nil }
  old.release(&book)
  #expect(next.servers[0][0].slot == slot)
  #expect(book.cells[slot].isHealthy == true)
  #expect(book.count == 2)
  next.release(&book)
  #expect(book.count == 0)
}

@Test func `more servers than cells are refused and leave nothing behind`() throws {
  var book = directory(2)
  let servers = ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"]
  let settings = [try pool("erp", servers)]
  let error = #expect(throws: ServerRoster.Full.self) {
    _ = try ServerRoster(settings, &book) { _ in nil }
  }
  #expect(error?.description == "more than 2 servers")
  #expect(book.count == 0)
}
