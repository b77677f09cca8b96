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

extension Affinity {
  /// `{cookie: …}` or `{hash: …}`
  private struct Kind: Sendable {
    var affinity = Affinity.off

    static let group = KeyGroup(noun: "kind of affinity", article: "a", isRequired: true)
    static let declaration = Declaration(blank: Kind()) {
      Key(
        "cookie", \.affinity, AffinityCookie.codec, in: group, wrap: Affinity.cookie,
        unwrap: { if case .cookie(let cookie) = $0 { cookie } else { nil } },
        "By a cookie that Martlet issues.")
      Key(
        "hash", \.affinity, .hashKeys, in: group, wrap: Affinity.hash,
        unwrap: { if case .hash(let keys) = $0 { keys } else { nil } },
        "By the first of these keys that a request has: cookie:NAME, header:NAME, address.")
    }
  }

  static let codec = Kind.declaration.codec().map(
    { (kind: Kind) in kind.affinity }, { $0 == .off ? nil : Kind(affinity: $0) }
  ).either(
    .words(
      "a kind of affinity", ["off": .off],
      others: ["cookie", "hash"],
      synonyms: ["none": "off", "cookie": "{cookie: {}}", "hash": "{hash: [address]}"]))
}

extension AffinityCookie {
  static let declaration = Declaration(blank: AffinityCookie()) {
    Key("name", \.name, .token, "The cookie's name.")
    Key(
      "secure", \.secure,
      .words("a value of secure", synonyms: ["true": "always", "false": "never"]),
      "For HTTPS only: always, never, or if the request came so (auto).")
    Key(
      "same_site", \.sameSite, .words("a value of SameSite"),
      "Whether other sites' pages may send it along.")
    Key(
      "max_age", \.maxAge, .duration(.zero ... .seconds(400 * 86400)), synonyms: ["expires"],
      "How long it lasts. 0 is until the browser ends.")
    Key("path", \.path, .path, "Where it is sent.")
  }

  /// The name alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<String>.token.map(
      { name in
        var cookie = AffinityCookie()
        cookie.name = name
        return cookie
      }, { $0.name }))
}
