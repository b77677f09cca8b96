import ArgumentParser
import Configuration
import Demo

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
    var (configuration, diagnostics) = DemoConfiguration.read(listen: listen, servers: servers)
    try CheckCommand.report(diagnostics)
    if accessLog { configuration?.log.access = .stdout }
    guard let configuration else { throw ExitCode.badConfiguration }
    print(configuration.effectiveYAML())
    withExtendedLifetime(servers) { _ = readLine() }
  }
}
