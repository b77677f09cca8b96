/// What the results of health checks make of one server: the state machine, and nothing else.
///
/// A server is down until its first success, which alone brings it up. From then on `fall`
/// failures in a row take it down and `rise` successes in a row bring it back.
/// HAProxy: `rise`, `fall`.
public struct HealthMachine: Equatable, Sendable {
  public enum State: Equatable, Sendable {
    /// Never yet answered well; counts as down.
    case starting
    case up
    case down
  }

  /// What to tell the operator.
  public enum Transition: Equatable, Sendable {
    /// After so many successes in a row.
    case cameUp(successes: Int)
    /// After so many failures in a row; also said, once, of a server that never was up.
    case wentDown(failures: Int)
  }

  public let rise: Int
  public let fall: Int
  public private(set) var state: State
  /// Results in a row that speak against the state.
  public private(set) var streak = 0

  /// - Parameter isChecked: false when nobody checks the server, which then counts as up.
  public init(rise: Int, fall: Int, isChecked: Bool = true) {
    precondition(rise > 0 && fall > 0)
    self.rise = rise
    self.fall = fall
    state = isChecked ? .starting : .up
  }

  public var isUp: Bool { state == .up }

  /// Takes in the result of one check.
  public mutating func observe(success: Bool) -> Transition? {
    switch (state, success) {
    case (.up, true), (.down, false):
      streak = 0
      return nil
    case (.starting, true):
      return enter(.up, .cameUp(successes: 1))
    case (.starting, false):
      // However long it takes to start, its first success counts.
      streak = min(streak + 1, fall + 1)
      return streak == fall ? .wentDown(failures: fall) : nil
    case (.down, true):
      streak += 1
      return streak < rise ? nil : enter(.up, .cameUp(successes: streak))
    case (.up, false):
      streak += 1
      return streak < fall ? nil : enter(.down, .wentDown(failures: streak))
    }
  }

  private mutating func enter(_ next: State, _ transition: Transition) -> Transition {
    state = next
    streak = 0
    return transition
  }
}
