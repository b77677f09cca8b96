import Balancing
import CLibraries
import Configuration
import Files
import Memory
import Network
import Reactor

@testable import Proxy

/// A worker over real sockets on loopback, whose clock moves when it is told to.
final class TestBench {
  private var worker: Worker
  let address: SocketAddress
  var clock = Clock(now: 1_000_000_000_000, wall: 1_700_000_000_000_000_000)
  let cells: SharedTable<ServerCell>
  let counters: CounterTable
  let mailbox: Mailbox
  private let spill: SpillWriter
  let files = FileThreads()

  /// Requests that are under way.
  var exchangesCount: Int { worker.exchanges.count }
  var hasExchange: Bool { exchangesCount > 0 }
  /// Bytes reserved in spill files.
  var spilled: Int { spill.budget.inUse }

  /// What is still to be read of the only exchange's response, if that is known.
  var bodyLeft: UInt64? {
    for slot in 0..<worker.exchanges.slotLimit {
      guard let handle = worker.exchanges.handle(ofSlot: slot) else { continue }
      if case .length(let left) = worker.exchanges[handle].responseBody { return left }
    }
    return nil
  }
  /// Whether the only client will send no more, and that is known.
  var clientIsDone: Bool {
    for slot in 0..<worker.clients.slotLimit {
      guard let handle = worker.clients.handle(ofSlot: slot) else { continue }
      return worker.clients[handle].transport.isDone
    }
    return false
  }
  /// Where the only client's connection stands.
  var clientState: ClientConnection.State? {
    for slot in 0..<worker.clients.slotLimit {
      guard let handle = worker.clients.handle(ofSlot: slot) else { continue }
      return worker.clients[handle].state
    }
    return nil
  }
  /// Whether clients of a draining server are told to move.
  var hasMoves: Bool { !worker.moves.isEmpty }
  /// Streams that answers hold now.
  var streamsTaken: Int { worker.compressors.taken }

  /// - Parameters:
  ///   - servers: of each pool, in the configuration's order.
  ///   - identity: what TLS with clients is made with; nil for plain HTTP.
  ///   - awaitsRequests: connections are taken when their request has come, and not when they
  ///     stand.
  init(
    _ configuration: Configuration, servers: [[SocketAddress]] = [], connections: Int = 64,
    identity: TLSContext? = nil, awaitsRequests: Bool = false
  ) throws {
    var configuration = configuration
    if !awaitsRequests { configuration.shutdown.lameDuck = .zero }
    if configuration.listen.isEmpty { configuration.listen = [Listen(Endpoint(.any, port: 0))] }
    cells = SharedTable(count: 16) { _ in ServerCell() }
    counters = CounterTable(workers: 1, slots: 512)
    mailbox = try Mailbox()
    spill = try SpillWriter(directory: "/tmp", limit: 64 << 20)
    var cell = 0
    var bound: [[Snapshot.Server]] = []
    for (pool, addresses) in servers.enumerated() {
      bound.append([])
      for (i, address) in addresses.enumerated() {
        cells[cell].setAddress(address)
        cells[cell].setHealthy(true)
        bound[pool].append(
          Snapshot.Server(
            name: "s\(i)", weight: 1, cell: cell, host: "server-\(i)",
            counters: ServerSlots(
              requests: 100 + cell * 8, connects: 101 + cell * 8, connectFailures: 102 + cell * 8,
              failures: 103 + cell * 8, retries: 104 + cell * 8)))
        cell += 1
      }
    }
    let routes = configuration.routes.indices.map {
      RouteSlots(
        responses: 300 + $0 * 32, duration: 305 + $0 * 32, bytesIn: 323 + $0 * 32,
        bytesOut: 324 + $0 * 32)
    }
    let pools = configuration.pools.indices.map {
      Snapshot.PoolBinding(cell: $0, counters: PoolSlots())
    }
    let snapshot = try Snapshot(
      configuration,
      Snapshot.Bindings(
        servers: bound, pools: pools, routes: routes,
        sessions: SessionTable(servers: cells.count)))
    worker = try Worker(
      WorkerEnvironment(
        number: 0, workers: 1, cells: cells,
        poolCells: SharedTable(count: 8) { _ in PoolCell() }, counters: counters.row(ofWorker: 0),
        slots: WorkerSlots(
          accepted: 1, clients: 2, upstreams: 3, tunnels: 4, refused: 5, logDropped: 6,
          overloaded: 7),
        accessLog: nil, spill: spill, files: files,
        mailboxes: [mailbox], connectionsLimit: connections, heartbeat: Heartbeat(),
        report: { _ in }),
      snapshot: snapshot, clock: clock)
    let listener = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
    address = try Syscalls.localAddress(listener)
    try worker.open(listening: [listener.release()], places: [0], identities: [identity])
  }

  func turn() throws { try worker.turn(at: clock) }

  func advance(by duration: Duration) throws {
    clock.now += duration.nanoseconds
    clock.wall += duration.nanoseconds
    try turn()
  }

  func count(_ slot: Int) -> Int { Int(counters.sum(slot)) }

  /// Turns until `condition` holds; false when it does not within a bounded number of turns.
  func turns(until condition: () throws -> Bool) throws -> Bool {
    var loop = try EventLoop()
    for _ in 0..<4000 {
      try turn()
      if try condition() { return true }
      // A moment for the kernel to deliver.
      _ = try loop.poll(timeout: 1)
    }
    return false
  }
}

/// The other side of a connection: what a test sends and what it has got.
final class Peer {
  let socket: Descriptor
  private(set) var received = ""
  private(set) var hasEnded = false

  init(connectedTo address: SocketAddress) throws {
    socket = try Sockets.connecting(to: address)
  }

  init(_ socket: consuming Descriptor) { self.socket = socket }

  func send(_ text: String) throws {
    var buffer = ByteBuffer(capacity: max(text.utf8.count, 1))
    buffer.append(text: text)
    while !buffer.isEmpty { _ = try Syscalls.send(&buffer, to: socket) }
  }

  /// Sends up to `count` bytes, as many as go at once; answers how many went.
  func offer(_ count: Int) throws -> Int {
    guard count > 0 else { return 0 }
    var buffer = ByteBuffer(capacity: count)
    buffer.append(text: String(repeating: "x", count: count))
    return try Syscalls.send(&buffer, to: socket)
  }

  /// Reads what is there.
  func read() {
    while !hasEnded {
      var buffer = ByteBuffer(capacity: 64 << 10)
      do throws(SystemError) {
        switch try Syscalls.receive(from: socket, into: &buffer) {
        case .bytes: received += text(buffer.readable)
        case .endOfStream: hasEnded = true
        case .wouldBlock: return
        }
      } catch {
        hasEnded = true
      }
    }
  }

  func forget() { received = "" }

  func end(_ direction: Syscalls.Direction = .both) { Syscalls.shutdown(socket, direction) }
}

/// A server whose connections a test answers by hand.
final class Origin {
  let listener: Descriptor
  let address: SocketAddress
  private(set) var connections: [Peer] = []

  init() throws {
    listener = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
    address = try Syscalls.localAddress(listener)
  }

  func accept() throws {
    var peer = SocketAddress(.loopbackV4, port: 0)
    while let socket = try Syscalls.accept(from: listener, peer: &peer) {
      connections.append(Peer(socket))
    }
    for connection in connections { connection.read() }
  }
}

func text(_ bytes: Span<UInt8>) -> String {
  var out: [UInt8] = []
  for i in bytes.indices { out.append(bytes[i]) }
  return String(decoding: out, as: UTF8.self)
}
