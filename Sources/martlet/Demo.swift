import ArgumentParser
import Demo

/// `martlet demo`: Martlet and everything it needs around it, in one process.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Serve a demonstration: no other software, no configuration.")

  @Option(help: "Where to listen.")
  var listen = "localhost:8080"

  func run() throws {
    let servers = try DemoServers()
    print("web", servers.web.map(\.description).joined(separator: ","))
    print("realtime", servers.realtime.map(\.description).joined(separator: ","))
    print("sites", servers.sites)
    _ = readLine()
  }
}
