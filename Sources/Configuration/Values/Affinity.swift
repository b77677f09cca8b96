/// How requests of one client reach the same server of a pool as long as it is up.
public enum Affinity: Equatable, Sendable {
  case off
  /// By a cookie that Martlet issues. nginx: `sticky cookie`. HAProxy: `cookie … insert`.
  case cookie(AffinityCookie)
  /// By rendezvous hashing of the first key that a request has, without any cookie.
  case hash([HashKey])
}

/// The cookie that remembers a client's server.
public struct AffinityCookie: Equatable, Sendable {
  /// Whether the cookie is for HTTPS only (RFC 6265 §4.1.2.5).
  public enum Secure: String, CaseIterable, Equatable, Sendable {
    /// If the request came over HTTPS, as a trusted proxy tells.
    case auto
    case always, never
  }

  public enum SameSite: String, CaseIterable, Equatable, Sendable {
    case lax, strict, none
  }

  public var name = "MARTLET"
  public var secure = Secure.auto
  public var sameSite = SameSite.lax
  /// 0 is a session cookie, which ends with the browser; to 400 days.
  public var maxAge: Duration = .zero
  public var path = "/"

  public init() {}
}
