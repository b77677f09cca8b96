import Balancing
import Configuration
import Memory
import Network
import Testing

@testable import Operations

private func server(_ name: String, weight: Int = 1, isDrained: Bool = false) -> ServerSettings {
  var server = ServerSettings(
    Endpoint(.address(.loopbackV4), port: 80), weight: weight, name: name)
  server.isDrained = isDrained
  return server
}

private func pool(_ servers: ServerSettings...) -> [PoolSettings] {
  [PoolSettings(name: "web", servers: servers)]
}

private func orders(drain: Bool?, weight: Int?, of server: ServerSettings) -> ServerOrders {
  var orders = ServerOrders()
  if let drain { orders.drain(drain, pool: "web", server: server) }
  if let weight { orders.weigh(weight, pool: "web", server: server) }
  return orders
}

@Test func `what the file says anyway is no order`() {
  let a = server("a", weight: 3, isDrained: true)
  var all = orders(drain: false, weight: 5, of: a)
  #expect(all != ServerOrders())
  all.drain(true, pool: "web", server: a)
  all.weigh(3, pool: "web", server: a)
  #expect(all == ServerOrders())
}

@Test func `orders outlive a reload that says nothing else of their servers`() {
  let a = server("a")
  let all = orders(drain: true, weight: 5, of: a)
  #expect(all.kept(from: pool(a), to: pool(server("b"), server("a"))) == all)
}

@Test func `orders for servers that are gone are forgotten`() {
  let a = server("a")
  let all = orders(drain: true, weight: 5, of: a)
  let gone = all.kept(from: pool(a), to: pool(server("b")))
  #expect(gone == ServerOrders())
  #expect(gone.kept(from: pool(server("b")), to: pool(a)) == ServerOrders())
}

@Test func `a file that says something new goes before an older order`() {
  let all = orders(drain: true, weight: 5, of: server("a"))
  let weighed = all.kept(from: pool(server("a")), to: pool(server("a", weight: 7)))
  #expect(weighed == orders(drain: true, weight: nil, of: server("a")))
  let undrained = orders(drain: false, weight: nil, of: server("a", isDrained: true))
  let next = undrained.kept(from: pool(server("a", isDrained: true)), to: pool(server("a")))
  #expect(next == ServerOrders())
}

@Test func `a drain reaches every place of a server, and new ones, and changes are told once`()
  throws
{
  var book = ServerDirectory(
    cells: SharedTable(count: 8) { _ in ServerCell() },
    pools: SharedTable(count: 8) { _ in PoolCell() })
  var settings = PoolSettings(name: "web")
  settings.servers = [ServerSettings(try Endpoint("b:80")), server("c", isDrained: true)]
  let addresses = (1...3).map { IPAddress(v4: 192, 0, 2, UInt8($0)) }
  var roster = try ServerRoster([settings], &book) { _ in Array(addresses.prefix(2)) }
  let slots = roster.servers[0].map(\.slot)
  #expect(slots.map { book.cells[$0].isDraining } == [false, false, true], "as the file has it")
  #expect(roster.applyDrains(book) == [])

  var all = ServerOrders()
  all.drain(true, pool: "web", server: settings.servers[0])
  all.weigh(9, pool: "web", server: settings.servers[0])
  roster.take(all)
  #expect(roster.applyDrains(book).map(\.server) == ["b:80", "b:80#2"])
  #expect(roster.applyDrains(book) == [])
  #expect(roster.servers[0].map(\.weight) == [9, 9, 1])
  #expect(try roster.assign(addresses, to: "b", &book))
  #expect(roster.servers[0].map { book.cells[$0.slot].isDraining } == [true, true, true, true])

  roster.take(ServerOrders())
  #expect(roster.applyDrains(book).map(\.isDrained) == [false, false, false])
  roster.release(&book)
}
