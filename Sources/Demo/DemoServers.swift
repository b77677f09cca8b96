public import Network
public import Reactor

/// Everything that Martlet needs around it to show what it does, in this process: two backends,
/// two Socket.IO servers, and a `sites` folder with files.
public final class DemoServers: Sendable {
  private let board = Board()
  private let site: DemoSite

  /// Takes ports of their own on loopback for all four, and starts none yet: addresses have to be
  /// known first.
  public init() throws(SystemError) {
    site = try DemoSite()
    for name in ["web-a", "web-b"] {
      let backend = Backend(instance: name, board: board, site: site.paths)
      board.add(.init(kind: .web, instance: try Instance(name, backend), engine: nil))
    }
    for name in ["realtime-a", "realtime-b"] {
      let engine = EngineServer(instance: name)
      board.add(.init(kind: .realtime, instance: try Instance(name, engine), engine: engine))
    }
  }

  /// Starts all four. Their threads inherit which signals are blocked.
  public func start() throws(SystemError) {
    for entry in board.all() { try entry.instance.start() }
  }

  deinit {
    close()
    // The backends hold the board that holds them.
    board.clear()
  }

  /// Stops all four.
  public func close() {
    for entry in board.all() { entry.instance.stop() }
  }

  /// Where the backends listen, stopped ones too.
  public var web: [SocketAddress] { addresses(.web) }

  /// Where the Socket.IO servers listen, stopped ones too.
  public var realtime: [SocketAddress] { addresses(.realtime) }

  /// What the page calls each server, by its address.
  public var names: [String: String] {
    var names: [String: String] = [:]
    for entry in board.all() { names["\(entry.instance.address)"] = entry.instance.name }
    return names
  }

  /// The folder whose `assets` the page uses, laid out as Frappe's `sites`.
  public var sites: String { site.path }

  /// Lets the page show what Martlet thinks of the server at an address. Safe from any thread.
  public func note(_ address: SocketAddress, isHealthy: Bool) {
    board.note(address, isHealthy: isHealthy)
  }

  private func addresses(_ kind: Board.Kind) -> [SocketAddress] {
    board.all().filter { $0.kind == kind }.map(\.instance.address)
  }
}
