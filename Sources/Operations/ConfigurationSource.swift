import CLibraries
public import Configuration
import Reactor

/// Where the configuration comes from, each time it is read.
public struct ConfigurationSource: Sendable {
  /// What diagnostics call it.
  public let name: String
  private let reader: @Sendable () -> (Configuration?, [Diagnostic])

  /// Secrets are short; a path that leads to a device must not fill memory.
  static let secretBytesLimit = 64 << 10

  /// A file, read anew at each load.
  public static func file(_ path: String) -> ConfigurationSource {
    ConfigurationSource(name: path) {
      do throws(SystemError) {
        return read(try TextFile.read(path, limit: YAMLParser.textBytesLimit), name: path)
      } catch {
        return (nil, [Diagnostic(.error, file: path, problem: "cannot be read: \(error.reason)")])
      }
    }
  }

  /// A text that does not change.
  public static func text(_ text: String, name: String) -> ConfigurationSource {
    ConfigurationSource(name: name) { read(text, name: name) }
  }

  /// Whatever `reader` gives: a configuration if there is no error, and what is wrong or doubtful.
  public init(
    name: String, reader: @escaping @Sendable () -> (Configuration?, [Diagnostic])
  ) {
    self.name = name
    self.reader = reader
  }

  /// - Returns: a configuration if there is no error, and what is wrong or doubtful.
  public func load() -> (configuration: Configuration?, diagnostics: [Diagnostic]) { reader() }

  /// Reads a text with the environment and the files of this process.
  private static func read(_ text: String, name: String) -> (Configuration?, [Diagnostic]) {
    ConfigurationReader.read(
      text: text, fileName: name, environment: ProcessEnvironment.variables,
      readFile: { path in
        do throws(SystemError) {
          return .success(try TextFile.read(path, limit: secretBytesLimit))
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
  }
}
