import Configuration
import Demo
import Network
import Operations
import Reactor

/// What `martlet demo` runs with: config/erpnext.yaml, the very file, told about the demo's
/// servers by its environment variables.
enum DemoConfiguration {
  /// - Parameters:
  ///   - listen: as in a configuration, or `localhost:PORT`. The admin listener takes the next
  ///     port.
  ///   - writesAccessLog: whether each request leaves a line on stdout.
  static func source(
    listen: String, writesAccessLog: Bool, servers: DemoServers
  ) -> ConfigurationSource {
    let text = String(decoding: PackageResources.erpnext_yaml, as: UTF8.self)
    var source = ConfigurationSource.text(text, name: "config/erpnext.yaml")
    source.variables = [
      "LISTEN": loopback(listen), "ADMIN": "127.0.0.1:\(adminPort(after: listen))",
      "BACKENDS": servers.web.map(\.description).joined(separator: ","),
      "WEBSOCKETS": servers.realtime.map(\.description).joined(separator: ","),
      "SITE": "localhost", "SITES_DIRECTORY": servers.sites,
    ]
    source.adjust = { configuration in
      configuration.quicken()
      configuration.name(servers)
      configuration.log.access = writesAccessLog ? .stdout : .off
    }
    return source
  }

  /// Browsers ask for both addresses of `localhost`; not every machine has the second.
  private static func loopback(_ listen: String) -> String {
    guard listen.hasPrefix("localhost:") else { return listen }
    let port = listen.dropFirst("localhost:".count)
    let hasV6 = (try? Sockets.listening(on: SocketAddress(.loopbackV6, port: 0))) != nil
    // Port 0 would become two different ones.
    return hasV6 && port != "0" ? "127.0.0.1:\(port),[::1]:\(port)" : "127.0.0.1:\(port)"
  }

  private static func adminPort(after listen: String) -> UInt16 {
    let port = listen.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    return port == 0 || port == .max ? 0 : port + 1
  }
}

extension Configuration {
  /// Somebody looks on: what takes its time in production is over at once here. A demo takes less
  /// than the machine has, too.
  fileprivate mutating func quicken() {
    for i in pools.indices {
      pools[i].health?.interval = .milliseconds(500)
      pools[i].health?.timeout = .milliseconds(500)
    }
    limits.connections = 1000
    shutdown.lameDuck = .zero
    shutdown.deadline = .seconds(2)
  }

  /// Calls the servers in logs and metrics by the names that the page has for them.
  fileprivate mutating func name(_ demo: DemoServers) {
    for i in pools.indices {
      for j in pools[i].servers.indices {
        let endpoint = pools[i].servers[j].endpoint.description
        guard let name = demo.names[endpoint] else { continue }
        pools[i].servers[j].name = name
      }
    }
  }
}
