import ArgumentParser
import Configuration
import Demo
import Operations
import Reactor

/// `martlet demo`: Martlet and everything it needs around it, in one process.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Serve a demonstration: no other software, no configuration.",
    discussion: """
      Starts two backends and two Socket.IO servers on ports of their own, and Martlet in front \
      of them with the routes of config/erpnext.yaml. Probes and metrics are on the next port.
      """)

  @Option(help: "Where to listen.")
  var listen = "localhost:8080"

  @Flag(help: "Write a line of JSON for each request to stdout.")
  var accessLog = false

  func run() throws {
    let servers = try DemoServers()
    let source = DemoConfiguration.source(
      listen: listen, writesAccessLog: accessLog, servers: servers)
    let status = try Service.run(source, healthChanged: servers.note) { supervisor in
      // Only now: Martlet's signals are not for the threads of its servers.
      try servers.start()
      guard let address = supervisor.addresses.first else { return }
      let place = listen.hasPrefix("localhost:") ? "localhost:\(address.port)" : "\(address)"
      // Not by print, which keeps it back when nobody looks on.
      let text = Array("Martlet's demo: http://\(place)/\n".utf8)
      _ = try TextFile.append(text.span, to: try TextFile.open(.output))
    }
    servers.close()
    if status != .success { throw ExitCode(status.rawValue) }
  }
}
