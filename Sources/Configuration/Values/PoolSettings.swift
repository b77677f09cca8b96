/// Interchangeable servers, and how one of them is chosen and watched.
///
/// nginx: `upstream`. HAProxy: `backend`. Envoy: cluster.
public struct PoolSettings: Equatable, Sendable {
  /// What routes, logs and metrics call it: letters, digits, `_`, `-` and `.`.
  public var name: String
  /// At least one; each endpoint once.
  public var servers: [ServerSettings]
  public var strategy = Strategy.roundRobin
  public var affinity = Affinity.off
  /// nil: sessions of Engine.IO are requests like any others.
  public var engineIO: EngineIOSettings?
  /// nil: servers count as up until live traffic says otherwise (`ejection`).
  public var health: HealthCheck?
  /// nil: failures of live traffic take no server out.
  public var ejection: Ejection? = Ejection()

  /// A server that comes up, or back from an ejection, gets a sixteenth of its share at first and
  /// all of it after this time, in a straight line between; 0 is at once. What is chosen by a key
  /// or a cookie is not spread by share of time: affinity and the strategy hash ignore it.
  ///
  /// 0 … 1 h. nginx Plus: `slow_start`. HAProxy: `slowstart`.
  public var slowStart: Duration = .zero

  /// What becomes of requests while health checks have taken every server down.
  public var whenAllDown = WhenAllDown.fail

  public var retries = RetrySettings()
  /// nil: no answer is taken for a platform's.
  public var platformPage: PlatformPage?

  /// How many requests a server gets at once, unless it says otherwise itself; further ones wait
  /// in the queue. 0 is no limit. For gunicorn: workers × threads.
  ///
  /// nginx: `max_conns`. HAProxy: `maxconn`.
  public var capacity = 0

  /// nil: requests wait for servers that have a capacity, by the defaults, and for no others.
  public var queue: QueueSettings?

  public var timeouts = UpstreamTimeouts()
  /// nil: each request has a connection of its own.
  public var keepalive: UpstreamKeepalive? = UpstreamKeepalive()
  /// nil: plain HTTP.
  public var tls: PoolTLS?
  /// The Host that servers see.
  public var host = UpstreamHost.preserve
  /// `/readyz` needs a server of this pool that is up.
  public var isRequired = true

  public init(name: String, servers: [ServerSettings] = []) {
    self.name = name
    self.servers = servers
  }
}

extension PoolSettings {
  /// Some server has a limit to how many requests it gets at once.
  public var hasCapacity: Bool { servers.contains { ($0.capacity ?? capacity) > 0 } }

  /// Where requests wait; nil when none do.
  public var effectiveQueue: QueueSettings? {
    let queue = self.queue ?? (hasCapacity ? QueueSettings() : .off)
    return queue.requests > 0 ? queue : nil
  }

  static let declaration = Declaration(blank: PoolSettings(name: "")) {
    Key(
      "servers", \.servers, .list(of: ServerSettings.codec, takesCommas: true), isRequired: true,
      synonyms: ["server", "backends", "upstreams", "addresses", "endpoints"],
      "Who answers: host:port, or keys with values.")
    Key(
      "strategy", \.strategy, Strategy.codec, synonyms: ["balance", "lb_policy", "algorithm"],
      "By which rule the next server is chosen: round_robin, least_requests, random_two, "
        + "least_time, or {hash: [KEY]}.")
    Key(
      "affinity", \.affinity, Affinity.codec, synonyms: ["sticky", "persistence", "stickiness"],
      "How requests of one client reach the same server.")
    Key(
      "engine_io", \.engineIO, EngineIOSettings.codec, synonyms: ["socket_io", "socketio"],
      "Whether the servers speak Socket.IO (Engine.IO): true, false, or keys. Its sessions then "
        + "stay with the server that opened them, and move when that drains.")
    Key(
      "health", \.health, HealthCheck.declaration.codec().optional,
      synonyms: ["health_check", "healthcheck", "check"],
      "How servers are asked whether they are well; without it they count as up.")
    Key(
      "ejection", \.ejection, Ejection.codec, synonyms: ["outlier_detection", "passive"],
      "How failures of live traffic take a server out for a while.")
    Key(
      "slow_start", \.slowStart, .duration(.zero ... .seconds(3600)), synonyms: ["slowstart"],
      "How long a server that comes up takes to get its whole share; 0 is at once. Keys and cookies "
        + "do not heed it.")
    Key(
      "when_all_down", \.whenAllDown, WhenAllDown.codec, synonyms: ["panic", "fail_open"],
      "While checks have taken every server down: refuse requests (fail), or send them all the "
        + "same (try).")
    Key(
      "retries", \.retries, RetrySettings.codec,
      synonyms: ["proxy_next_upstream_tries", "tries", "retry"],
      "How requests go on to another server when one fails them: so many further tries, or keys.")
    Key(
      "platform_page", \.platformPage, PlatformPage.codec.optional,
      synonyms: ["stopped_page", "placeholder_page"],
      "The page that a platform shows in place of a server that is stopped: it counts as a "
        + "failure of the server and reaches no client.")
    Key(
      "capacity", \.capacity, .integer(0...100_000),
      synonyms: ["max_conns", "maxconn", "max_connections"],
      "How many requests each server gets at once; further ones wait. 0 is no limit. For gunicorn: "
        + "workers times threads.")
    Key(
      "queue", \.queue, QueueSettings.codec, synonyms: ["backlog", "pending"],
      "Where requests wait while all servers are full, or none is up. Without it they wait only "
        + "for servers with a capacity.")
    Key(
      "timeouts", \.timeouts, UpstreamTimeouts.declaration.codec(),
      "How long a server may take.")
    Key(
      "keepalive", \.keepalive, UpstreamKeepalive.codec, synonyms: ["keep_alive", "idle"],
      "How connections to the servers are kept for the next request.")
    Key(
      "tls", \.tls, PoolTLS.codec, synonyms: ["ssl", "https", "proxy_ssl"],
      "TLS with the servers: on, off, or keys. Their certificates are checked.")
    Key(
      "host", \.host, .upstreamHost,
      "The Host that servers see: the client's (preserve), their own address (server), or a text.")
    Key(
      "required", \.isRequired, .boolean, "/readyz needs a server of this pool that is up.")
  }
}

extension Codec where Value == [PoolSettings] {
  static var pools: Codec {
    .dictionary(
      keyNoun: "names of pools", keyPattern: "^[A-Za-z0-9_.-]{1,100}$",
      shape: PoolSettings.declaration.shape,
      checkKey: { name throws(Complaint) in
        let isName = name.unicodeScalars.allSatisfy {
          ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
            || "_-.".unicodeScalars.contains($0)
        }
        guard isName, (1...100).contains(name.utf8.count) else {
          throw Complaint(
            "is not a name for a pool", ["write letters, digits, _, - and ., at most 100"])
        }
      },
      item: { name in PoolSettings.declaration.codec(blank: PoolSettings(name: name)) },
      name: \.name)
  }
}
