/// What the results of health checks make of one server: the state machine, and nothing else.
///
/// A server is down until its first success, which alone brings it up. From then on `fall`
/// failures in a row take it down and `rise` successes in a row bring it back.
/// HAProxy: `rise`, `fall`.
///
/// A server whose site is being maintained is as well as one that serves it: it is up, and says
/// so itself to whoever asks.
public struct HealthMachine: Equatable, Sendable {
  public enum State: Equatable, Sendable {
    /// Never yet answered well; counts as down.
    case starting
    case up
    /// Up, and its last answer was that its site is being maintained.
    case maintained
    case down
  }

  /// What one check has found.
  public enum Finding: Equatable, Sendable {
    case success
    /// The server is well, its site is being maintained: a success as far as `rise` and `fall`
    /// are concerned.
    case maintenance
    case failure
    /// Says neither: the server had no room for the check.
    case inconclusive
  }

  /// What to tell the operator.
  public enum Transition: Equatable, Sendable {
    /// After so many successes in a row.
    case cameUp(successes: Int)
    /// After so many failures in a row; also said, once, of a server that never was up.
    case wentDown(failures: Int)
    /// Of a server that stays up.
    case maintenanceBegan
    case maintenanceEnded
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

  public var isUp: Bool { state == .up || state == .maintained }

  /// Takes in the result of one check.
  public mutating func observe(_ finding: Finding) -> Transition? {
    switch (state, finding) {
    case (_, .inconclusive):
      return nil
    case (.up, .success), (.maintained, .maintenance), (.down, .failure):
      streak = 0
      return nil
    case (.up, .maintenance):
      return enter(.maintained, .maintenanceBegan)
    case (.maintained, .success):
      return enter(.up, .maintenanceEnded)
    case (.starting, .success):
      return enter(.up, .cameUp(successes: 1))
    case (.starting, .maintenance):
      return enter(.maintained, .cameUp(successes: 1))
    case (.starting, .failure):
      // However long it takes to start, its first success counts.
      streak = min(streak + 1, fall + 1)
      return streak == fall ? .wentDown(failures: fall) : nil
    case (.down, .success), (.down, .maintenance):
      streak += 1
      let next: State = finding == .success ? .up : .maintained
      return streak < rise ? nil : enter(next, .cameUp(successes: streak))
    case (.up, .failure), (.maintained, .failure):
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
