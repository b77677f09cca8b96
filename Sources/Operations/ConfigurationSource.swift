import CLibraries
public import Configuration
import Reactor

/// Where the configuration comes from, each time it is read.
public struct ConfigurationSource: Sendable {
  /// What diagnostics call it.
  public let name: String
  /// Variables that are set beside, and in place of, those of the environment.
  public var variables: [String: String] = [:]
  /// Changes what was read, where the text alone does not say all.
  public var adjust: @Sendable (inout Configuration) -> Void = { _ in }
  private let read: @Sendable () throws(SystemError) -> String

  /// Secrets are short; a path that leads to a device must not fill memory.
  static let secretBytesLimit = 64 << 10

  /// A file, read anew at each load.
  public static func file(_ path: String) -> ConfigurationSource {
    ConfigurationSource(name: path) { () throws(SystemError) in
      try TextFile.read(path, limit: YAMLParser.textBytesLimit)
    }
  }

  /// A text that does not change.
  public static func text(_ text: String, name: String) -> ConfigurationSource {
    ConfigurationSource(name: name) { () throws(SystemError) in text }
  }

  private init(name: String, read: @escaping @Sendable () throws(SystemError) -> String) {
    self.name = name
    self.read = read
  }

  /// Reads it, with the environment and the files of this process.
  ///
  /// - Returns: a configuration if there is no error, and what is wrong or doubtful.
  public func load() -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    let text: String
    do throws(SystemError) {
      text = try read()
    } catch {
      return (nil, [Diagnostic(.error, file: name, problem: "cannot be read: \(error.reason)")])
    }
    var (configuration, diagnostics) = ConfigurationReader.read(
      text: text, fileName: name,
      environment: ProcessEnvironment.variables.merging(variables) { $1 },
      readFile: { path in
        do throws(SystemError) {
          return .success(try TextFile.read(path, limit: Self.secretBytesLimit))
        } catch {
          return .failure(ReadFailure(error.reason))
        }
      },
      inspect: { path in
        switch TextFile.kind(of: path) {
        case .nothing: .missing
        case .directory: .directory
        case .file: .file
        case .other: .other
        case .danglingLink: .danglingLink
        }
      })
    if var adjusted = configuration {
      adjust(&adjusted)
      configuration = adjusted
    }
    return (configuration, diagnostics)
  }
}
