/// Why a request is not, or not yet, answered by the server that it was given to, and what that
/// allows.
///
/// Two questions decide. Can the request have had an effect? Then only a method that may be sent
/// again (RFC 9110 §9.2.2) goes to another server. Has a server that is alive done work on it?
/// Then repeating it adds load to a pool that may be in trouble for load, and has a budget. What
/// a dead server leaves behind adds none: the others do what that one would have done.
public enum RetryCause: Equatable, Sendable, CaseIterable {
  /// No connection: the request has gone nowhere.
  case unconnected
  /// A kept connection had died of old age when the request came.
  case stale
  /// The connection broke before the answer, or in the middle of one that was held.
  case broken
  /// The server was found dead, by health checks or other requests, while this one waited.
  case takenBack
  /// The answer was a platform's page in place of a server.
  case absent
  /// The answer could not be read.
  case unreadable
  /// The answer has a status that is not taken from one server alone.
  case status
  /// No byte of an answer came while another server might have given one.
  case tooSlow
  /// No answer came within the time that there is for all servers.
  case timedOut

  /// Whether the request may be given to another server.
  ///
  /// - Parameter isIdempotent: the method may be sent again.
  public func allowsAnother(isIdempotent: Bool) -> Bool {
    switch self {
    case .unconnected, .absent: true
    case .stale, .broken, .takenBack, .unreadable, .status, .tooSlow: isIdempotent
    case .timedOut: false
    }
  }

  /// Whether that is taken from the pool's budget.
  public var costsBudget: Bool {
    switch self {
    case .unreadable, .status, .tooSlow: true
    case .unconnected, .stale, .broken, .takenBack, .absent, .timedOut: false
    }
  }

  /// Whether it is one of the tries that a request has: what is not the request's own bad luck
  /// is none.
  public var costsTry: Bool {
    switch self {
    case .stale, .takenBack: false
    case .unconnected, .broken, .absent, .unreadable, .status, .tooSlow, .timedOut: true
    }
  }
}
