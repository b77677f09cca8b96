import CLibraries
import Configuration
import Reactor

/// A configuration on disk, read with the environment and the files of this process.
enum ConfigurationFile {
  /// Secrets are short; a path that leads to a device must not fill memory.
  private static let secretBytesLimit = 64 << 10

  static func read(_ path: String) -> (Configuration?, [Diagnostic]) {
    let text: String
    do throws(SystemError) {
      text = try TextFile.read(path, limit: YAMLParser.textBytesLimit)
    } catch {
      let problem = "cannot be read: \(error.reason)"
      return (nil, [Diagnostic(.error, file: path, problem: problem)])
    }
    return ConfigurationReader.read(
      text: text, fileName: path, environment: ProcessEnvironment.variables,
      readFile: secret, inspect: kind)
  }

  private static func secret(_ path: String) -> Result<String, ReadFailure> {
    do throws(SystemError) {
      return .success(try TextFile.read(path, limit: secretBytesLimit))
    } catch {
      return .failure(ReadFailure(error.reason))
    }
  }

  private static func kind(_ path: String) -> PathKind {
    let bytes = Array(path.utf8) + [0]
    do throws(SystemError) {
      _ = try Syscalls.openDirectory(bytes.span)
      return .directory
    } catch {}
    do throws(SystemError) {
      return try Syscalls.status(bytes.span).isRegular ? .file : .other
    } catch {
      guard error.isNotFound else { return .other }
    }
    return isLink(path) ? .danglingLink : .missing
  }

  /// Something of this name is in its directory, though it leads nowhere.
  private static func isLink(_ path: String) -> Bool {
    guard let slash = path.lastIndex(of: "/") else { return false }
    let parent = Array(path[...slash].utf8) + [0]
    let name = Array(path[path.index(after: slash)...].utf8) + [0]
    do throws(SystemError) {
      _ = try Syscalls.status(name.span, in: try Syscalls.openDirectory(parent.span))
      return true
    } catch {
      return false
    }
  }
}
