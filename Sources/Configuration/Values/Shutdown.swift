/// How the process ends after SIGTERM or SIGINT.
public struct Shutdown: Equatable, Sendable {
  /// How long it still accepts while `/readyz` already fails, so that whoever balances over
  /// several instances looks elsewhere first.
  ///
  /// 0 … 10 min, and less than `deadline`.
  public var lameDuck: Duration = .zero

  /// From the signal on; what is not finished then is cut.
  ///
  /// 1 s … 1 h. Container platforms kill after 30 s by default.
  /// nginx: `worker_shutdown_timeout`. HAProxy: `hard-stop-after`.
  public var deadline: Duration = .seconds(27)

  public init() {}
}

extension Shutdown {
  static let declaration = Declaration(blank: Shutdown()) {
    Key(
      "lame_duck", \.lameDuck, .duration(.zero ... .seconds(600)), synonyms: ["grace", "delay"],
      "How long it still accepts while /readyz already fails.")
    Key(
      "deadline", \.deadline, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["timeout", "hard_stop_after", "worker_shutdown_timeout", "grace_period"],
      "From the signal on; what is not finished then is cut.")
  }
}
