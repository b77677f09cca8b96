import Network
import Reactor
import Synchronization

/// The switchboard of the demo: every instance, whether it runs, and what Martlet thinks of it.
final class Board: Sendable {
  enum Kind: String { case web, realtime }

  struct Entry: Sendable {
    var kind: Kind
    var instance: Instance
    var engine: EngineServer?
  }

  private let entries = Mutex<[Entry]>([])
  /// Whether Martlet holds the server at an address for healthy, as far as it has said.
  private let health = Mutex<[SocketAddress: Bool]>([:])

  func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }

  func clear() { entries.withLock { $0 = [] } }

  func all() -> [Entry] { entries.withLock { $0 } }

  func note(_ address: SocketAddress, isHealthy: Bool) {
    health.withLock { $0[address] = isHealthy }
  }

  /// Stops or starts an instance and tells how things stand then.
  ///
  /// - Parameter connection: who waits for the answer, and gets it even from an instance that
  ///   was told to stop.
  func flip(_ name: String, _ action: String, asking connection: Connection) -> Response {
    guard let entry = all().first(where: { $0.instance.name == name }) else {
      return .problem(404, "no instance is called \(name)")
    }
    switch action {
    case "start":
      do throws(SystemError) {
        try entry.instance.start()
      } catch {
        return .problem(500, "\(error)")
      }
    case "stop":
      let others = all().contains {
        $0.kind == .web && $0.instance !== entry.instance && $0.instance.isRunning
      }
      guard entry.kind != .web || others else {
        return .problem(409, "the last backend stays up: without it nobody answers these buttons")
      }
      entry.instance.stop(sparing: connection)
    default:
      return .problem(404, "stop and start are all there is")
    }
    return .json(description())
  }

  func description() -> String {
    let health = health.withLock { $0 }
    let instances = all().map { entry in
      json([
        "name": json(entry.instance.name), "kind": json(entry.kind.rawValue),
        "address": json("\(entry.instance.address)"), "running": "\(entry.instance.isRunning)",
        "healthy": health[entry.instance.address].map { "\($0)" } ?? "null",
        "sessions": "\(entry.engine?.sessionCount ?? 0)",
      ])
    }
    return json(["instances": json(instances)])
  }
}
