/// What is written down, and where.
public struct LogSettings: Equatable, Sendable {
  /// Where the line of each request goes. nginx: `access_log`.
  public enum Access: Equatable, Sendable {
    case stdout, stderr, off
    /// Appended to; opened again on SIGHUP.
    case path(String)
  }

  /// From which severity on messages of the process itself go to stderr. nginx: `error_log`.
  public enum Level: String, CaseIterable, Equatable, Sendable {
    case trace, debug, info, notice, warning, error, critical
  }

  public var access = Access.stdout
  public var level = Level.info

  public init() {}
}
