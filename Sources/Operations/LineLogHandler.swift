public import Logging
public import Reactor
import Synchronization

/// Where the process's own messages go, and from which severity on.
public final class LogOutput: Sendable {
  public enum Format: Sendable { case text, json }

  /// Changes with the configuration while loggers are about.
  public var level: Logger.Level {
    get { Logger.Level.allCases[threshold.load(ordering: .relaxed)] }
    set {
      let index = Logger.Level.allCases.firstIndex(of: newValue) ?? 0
      threshold.store(index, ordering: .relaxed)
    }
  }

  public let format: Format
  let wall: @Sendable () -> UInt64
  private let write: @Sendable (String) -> Void
  private let threshold: Atomic<Int>

  /// - Parameters:
  ///   - wall: what the clock says, in nanoseconds since 1970.
  ///   - write: takes one line, its newline included.
  public init(
    format: Format = .text, level: Logger.Level = .info,
    wall: @escaping @Sendable () -> UInt64 = { Clock.read().wall },
    write: @escaping @Sendable (String) -> Void
  ) {
    self.format = format
    self.wall = wall
    self.write = write
    threshold = Atomic(Logger.Level.allCases.firstIndex(of: level) ?? 0)
  }

  /// Lines on stderr. One that cannot be written is lost: there is nobody left to tell. So is
  /// one for which there is no room in 100 ms: whoever reads stderr and has stopped must not
  /// stop health checks and signals, too.
  public static func standardError(
    format: Format = .text, level: Logger.Level = .info
  ) throws(SystemError) -> LogOutput {
    let stream = OwnedStream(try TextFile.open(.error))
    return LogOutput(format: format, level: level) { line in
      // One write for the whole line, so that lines of several threads do not mix.
      _ = try? TextFile.append(line.utf8.span, to: stream.descriptor, patience: 100)
    }
  }

  private final class OwnedStream: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }

  func put(_ line: String) { write(line) }
}

/// Writes each event as one line: time, severity, message, and whatever was attached.
///
///     2026-08-01T12:00:00.250Z warning server 10.0.0.7:8000 down: 3 connects refused in 10 s
public struct LineLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?

  /// The output's, unless this logger was given one of its own.
  public var logLevel: Logger.Level {
    get { ownLevel ?? output.level }
    set { ownLevel = newValue }
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  private var ownLevel: Logger.Level?
  private let output: LogOutput

  public init(_ output: LogOutput) {
    self.output = output
  }

  public func log(event: LogEvent) {
    var attached = metadata
    attached.merge(metadataProvider?.get() ?? [:]) { $1 }
    attached.merge(event.metadata ?? [:]) { $1 }
    if let error = event.error { attached["error"] = "\(error)" }
    let fields = attached.sorted { $0.key < $1.key }
    let time = Timestamp.text(output.wall())
    switch output.format {
    case .text:
      var line = "\(time) \(event.level.rawValue) \(LineLogHandler.oneLine("\(event.message)"))"
      for (key, value) in fields {
        line += " \(LineLogHandler.oneLine(key))=\(LineLogHandler.oneLine("\(value)"))"
      }
      output.put(line + "\n")
    case .json:
      var line = "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\""
      line += ",\"message\":\(JSONText.quoted("\(event.message)"))"
      for (key, value) in fields {
        line += ",\(JSONText.quoted(key)):\(JSONText.quoted("\(value)"))"
      }
      output.put(line + "}\n")
    }
  }

  /// Control characters escaped: what a name server or a file says cannot forge lines or
  /// steer a terminal.
  private static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        result += scalar.escaped(asASCII: true)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control
  }
}
