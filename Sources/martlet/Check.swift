import ArgumentParser
import Configuration
import Glibc
import Operations
import Reactor

/// `martlet check`: says all that is wrong with configuration files.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say all that is wrong with a configuration.",
    discussion: """
      Prints every error and warning with its place, what is wrong and what would be right. \
      Exits with 0 when there is no error, and with 78 otherwise.
      """)

  @Flag(help: "Print the whole configuration, every default filled in.")
  var effective = false

  @Argument(help: ArgumentHelp("A configuration.", valueName: "file"))
  var files: [String]

  func run() throws {
    var isBad = false
    for (i, file) in files.enumerated() {
      let (configuration, diagnostics) = ConfigurationSource.file(file).load()
      try CheckCommand.report(diagnostics)
      guard let configuration else {
        isBad = true
        continue
      }
      if effective {
        if files.count > 1 { print(i > 0 ? "\n# \(file)" : "# \(file)") }
        print(configuration.effectiveYAML(), terminator: "")
      } else {
        print("\(file): ok (\(CheckCommand.summary(configuration, diagnostics.count)))")
      }
    }
    if isBad { throw ExitCode.badConfiguration }
  }

  /// Writes diagnostics to stderr, in colour if somebody looks at it.
  static func report(_ diagnostics: [Diagnostic]) throws(SystemError) {
    guard !diagnostics.isEmpty else { return }
    let isColoured =
      isatty(STDERR_FILENO) == 1 && ProcessEnvironment.variables["NO_COLOR", default: ""].isEmpty
    let text = diagnostics.map { $0.text(isColoured: isColoured) + "\n" }.joined()
    let bytes = Array(text.utf8)
    _ = try TextFile.append(bytes.span, to: try TextFile.open(.error))
  }

  private static func summary(_ configuration: Configuration, _ warnings: Int) -> String {
    func count(_ number: Int, _ noun: String) -> String {
      "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
    var parts = [
      count(configuration.pools.count, "pool"), count(configuration.routes.count, "route"),
    ]
    if warnings > 0 { parts.append(count(warnings, "warning")) }
    return parts.joined(separator: ", ")
  }
}
