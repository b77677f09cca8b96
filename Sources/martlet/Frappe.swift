import ArgumentParser
import Operations
import Reactor

/// `martlet frappe`: in the place of nginx in frappe_docker's frontend container.
struct FrappeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "frappe",
    abstract: "Serve what frappe_docker's nginx serves, without a file.",
    discussion: """
      In the place of nginx-entrypoint.sh, it reads the same variables, with the same defaults: \
      BACKEND, SOCKETIO, UPSTREAM_REAL_IP_ADDRESS, UPSTREAM_REAL_IP_HEADER, \
      UPSTREAM_REAL_IP_RECURSIVE, FRAPPE_SITE_NAME_HEADER, PROXY_READ_TIMEOUT and \
      CLIENT_MAX_BODY_SIZE. BACKEND and SOCKETIO may name several servers, separated by commas. \
      Exits as martlet run does; with 78, too, when a variable's value is wrong.
      """)

  @Option(help: "Where to listen; without it, MARTLET_LISTEN, else :8080.")
  var listen: String?

  @Option(
    help: ArgumentHelp(
      """
      The directory of the sites; without it, MARTLET_SITES, else \
      /home/frappe/frappe-bench/sites.
      """,
      valueName: "directory"))
  var sites: String?

  @Option(help: "Where to answer probes and metrics; without it, MARTLET_ADMIN, else nowhere.")
  var admin: String?

  @Flag(help: "Print the configuration that would be served, for a file of your own.")
  var print = false

  func run() throws {
    let environment = ProcessEnvironment.variables
    func place(_ option: String?, _ variable: String) -> String? {
      if let option { return option }
      let value = environment[variable, default: ""]
      return value.isEmpty ? nil : value
    }
    let configuration: FrappeConfiguration
    do throws(FrappeConfiguration.Mistake) {
      configuration = try FrappeConfiguration(
        environment: environment,
        places: FrappeConfiguration.Places(
          listen: place(listen, "MARTLET_LISTEN") ?? ":8080",
          sites: place(sites, "MARTLET_SITES") ?? "/home/frappe/frappe-bench/sites",
          admin: place(admin, "MARTLET_ADMIN")))
    } catch {
      let text = Array("\(error)\n".utf8)
      _ = try TextFile.append(text.span, to: try TextFile.open(.error))
      throw ExitCode.badConfiguration
    }
    if print {
      Swift.print(configuration.text, terminator: "")
      return
    }
    let source = ConfigurationSource.text(configuration.text, name: "frappe.yaml")
    let status = try Service.run(source)
    if status != .success { throw ExitCode(status.rawValue) }
  }
}
