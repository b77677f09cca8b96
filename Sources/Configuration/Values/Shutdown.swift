/// How the process ends after SIGTERM or SIGINT.
public struct Shutdown: Equatable, Sendable {
  /// How long after SIGTERM it still accepts while `/readyz` already fails, so that whoever
  /// balances over several instances looks elsewhere first. Every response of that time ends its
  /// connection, and says so. SIGINT, the Ctrl-C of a terminal, does without.
  ///
  /// 0 … 10 min, and less than `deadline`.
  public var lameDuck = lameDuckDefault

  /// From the signal on; what is not finished then is cut.
  ///
  /// 1 s … 1 h. Container platforms kill after 30 s by default.
  /// nginx: `worker_shutdown_timeout`. HAProxy: `hard-stop-after`.
  public var deadline: Duration = .seconds(27)

  public init() {}

  /// Longer than a platform's balancer needs to hear of it, mostly a second or two.
  static let lameDuckDefault = Duration.seconds(3)

  /// The lame duck's time as it is served: one that nobody has written leaves a short deadline
  /// its half.
  public var servedLameDuck: Duration {
    lameDuck == Self.lameDuckDefault ? min(lameDuck, deadline / 2) : lameDuck
  }
}

extension Shutdown {
  static let declaration = Declaration(blank: Shutdown()) {
    Key(
      "lame_duck", \.lameDuck, .duration(.zero ... .seconds(600)), synonyms: ["grace", "delay"],
      "How long after SIGTERM it still accepts while /readyz already fails; SIGINT does without.")
    Key(
      "deadline", \.deadline, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["timeout", "hard_stop_after", "worker_shutdown_timeout", "grace_period"],
      "From the signal on; what is not finished then is cut.")
  }
}
