import CLibraries
public import Configuration
import Reactor
import Synchronization

/// Where the configuration comes from, each time it is read.
public struct ConfigurationSource: Sendable {
  /// What diagnostics call it.
  public let name: String
  /// Variables that are set beside, and in place of, those of the environment.
  public var variables: [String: String] = [:]
  /// Changes what was read, where the text alone does not say all.
  public var adjust: @Sendable (inout Configuration) -> Void = { _ in }
  /// What a path leads to; replaced in tests.
  var kind: @Sendable (String) -> PathKind = { PathKind(of: $0) }
  /// What a path leads to just now, symbolic links followed; replaced in tests.
  var status: @Sendable (String) -> FileStatus? = { path in
    try? Syscalls.status((Array(path.utf8) + [0]).span)
  }
  /// The file that it is read from, if it is one.
  private let path: String?
  private let read: @Sendable () throws(SystemError) -> String
  private let lookup = Lookout()

  /// Secrets are short; a path that leads to a device must not fill memory.
  static let secretBytesLimit = 64 << 10
  /// Of the names in a directory: some thousands.
  static let namesBytesLimit = 64 << 10

  /// A file, read anew at each load.
  public static func file(_ path: String) -> ConfigurationSource {
    ConfigurationSource(name: path, path: path) { () throws(SystemError) in
      try TextFile.read(path, limit: YAMLParser.textBytesLimit)
    }
  }

  /// A text that does not change.
  public static func text(_ text: String, name: String) -> ConfigurationSource {
    ConfigurationSource(name: name, path: nil) { () throws(SystemError) in text }
  }

  private init(
    name: String, path: String?, read: @escaping @Sendable () throws(SystemError) -> String
  ) {
    self.name = name
    self.path = path
    self.read = read
  }

  /// Reads it, with the environment and the files of this process. Where the file system is only
  /// looked at, for warnings, it does so for as long as `Lookout.patience`.
  ///
  /// - Returns: a configuration if there is no error, and what is wrong or doubtful.
  public func load() -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    var files: [FileSight] = []
    return load(noting: &files)
  }

  /// The same.
  ///
  /// - Parameters:
  ///   - files: becomes what was read, each file as it was just before.
  ///   - expired: certificates in use that have expired: they may be read again.
  func load(
    noting files: inout [FileSight], expired: Set<CertificateFiles> = []
  ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    let seen = Mutex(path.map { [FileSight($0, status($0))] } ?? [])
    defer { files = seen.withLock { $0 } }
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
        seen.withLock { $0.append(FileSight(path, status(path))) }
        do throws(SystemError) {
          return .success(try TextFile.read(path, limit: Self.secretBytesLimit))
        } catch {
          return .failure(ReadFailure(error.reason))
        }
      },
      view: view(until: Clock.read().now + Lookout.patience.nanoseconds, expired))
    if var adjusted = configuration {
      adjust(&adjusted)
      configuration = adjusted
    }
    return (configuration, diagnostics)
  }

  private func view(until end: Instant, _ expired: Set<CertificateFiles>) -> FileSystemView {
    FileSystemView(
      kind: { [kind, lookup] path in lookup.answer(by: end) { kind(path) } ?? .silent },
      names: { [lookup] path in
        lookup.answer(by: end) {
          try? TextFile.names(in: path, limit: Self.namesBytesLimit)
        } ?? nil
      },
      readCertificate: { [lookup] path in
        lookup.answer(by: end) { CertificateReader.read(path) }
          ?? .failure(ReadFailure("it did not answer in time"))
      }, now: CertificateReader.now, expired: expired)
  }
}

extension PathKind {
  init(of path: String) {
    self =
      switch TextFile.kind(of: path) {
      case .nothing: .missing
      case .directory: .directory
      case .file: .file
      case .other: .other
      case .danglingLink: .danglingLink(to: (try? TextFile.target(ofLink: path)) ?? "nothing")
      }
  }
}
