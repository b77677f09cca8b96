import ArgumentParser
import Logging
import Network
import Operations

/// `martlet run`: serves what a configuration says, until a signal ends it.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Serve a configuration.",
    discussion: """
      SIGTERM and SIGINT end the process in good order, a second one at once; SIGHUP reads the \
      configuration again; SIGUSR1 opens the access log again. Exits with 0 after a good end, \
      with 78 when the configuration is wrong, and with 1 when the machine refuses something.
      """)

  @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
  var config: String

  func run() throws {
    let status = try Service.run(.file(config))
    if status != .success { throw ExitCode(status.rawValue) }
  }
}

/// The process as a service: logs on stderr, signals obeyed.
enum Service {
  /// - Parameters:
  ///   - healthChanged: told when checks take a server down or bring it up.
  ///   - started: called when Martlet listens, before it serves.
  static func run(
    _ source: ConfigurationSource,
    healthChanged: @escaping @Sendable (SocketAddress, Bool) -> Void = { _, _ in },
    started: (Supervisor) throws -> Void = { _ in }
  ) throws -> Supervisor.ExitStatus {
    let output = try LogOutput.standardError()
    LoggingSystem.bootstrap { _ in LineLogHandler(output) }
    var setting = Supervisor.Setting(
      source: source, version: Martlet.configuration.version, logger: Logger(label: "martlet"),
      output: output, mailbox: try ControlMailbox())
    setting.healthChanged = healthChanged
    let supervisor: Supervisor
    do throws(Supervisor.StartError) {
      supervisor = try Supervisor.start(setting)
    } catch {
      switch error {
      case .configuration(let diagnostics):
        try CheckCommand.report(diagnostics)
        return .badConfiguration
      case .machine(let reason):
        setting.logger.critical("\(reason)")
        return .failure
      }
    }
    try started(supervisor)
    return supervisor.run()
  }
}
