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
  /// nil: servers count as up until live traffic says otherwise (`ejection`).
  public var health: HealthCheck?
  /// nil: failures of live traffic take no server out.
  public var ejection: Ejection? = Ejection()

  /// How many further servers are tried when one fails before the request had any effect.
  ///
  /// 0 … 10. nginx: `proxy_next_upstream_tries` (less one). HAProxy: `retries`.
  public var retries = 1

  public var timeouts = UpstreamTimeouts()
  /// nil: each request has a connection of its own.
  public var keepalive: UpstreamKeepalive? = UpstreamKeepalive()
  /// The Host that servers see.
  public var host = UpstreamHost.preserve
  /// `/readyz` needs a server of this pool that is up.
  public var isRequired = true

  public init(name: String, servers: [ServerSettings] = []) {
    self.name = name
    self.servers = servers
  }
}
