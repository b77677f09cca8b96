public import Network

/// Everything one configuration file says, defaults filled in, every reference in it checked.
///
/// Made by `ConfigurationReader`; a value made by hand (in tests) is not checked.
public struct Configuration: Equatable, Sendable {
  /// Where clients connect; at least one.
  public var listen: [Listen] = []

  /// How many worker threads serve; nil is `auto`, one per core that the cgroup grants.
  ///
  /// 1 … 256. nginx: `worker_processes`. HAProxy: `nbthread`.
  public var workers: Int?

  /// The listener for probes and metrics; nil is none.
  public var admin: Admin?

  /// Whose `X-Forwarded-*` fields are believed; those of everybody else are replaced.
  ///
  /// nginx: `set_real_ip_from`.
  public var trustedProxies: [AddressBlock] = [
    AddressBlock(IPAddress(v4: 127, 0, 0, 0), prefixLength: 8),
    AddressBlock(.loopbackV6),
  ]

  /// What servers are told about the client.
  public var forwarded = ForwardedPolicy()
  /// The most of everything that a client or a server may ask of this process.
  public var limits = Limits()
  /// How long the client's side may take; pools have their own.
  public var timeouts = Timeouts()
  /// How clients' connections are kept for their next request.
  public var keepalive = ClientKeepalive()
  /// What becomes of `Expect: 100-continue`.
  public var expectContinue = ExpectContinue.answer
  /// How much of a body stays in memory.
  public var buffers = Buffering()
  /// What is written down, and where.
  public var log = LogSettings()
  /// How the process ends.
  public var shutdown = Shutdown()

  /// In the order of the file; names are unique.
  public var pools: [PoolSettings] = []
  /// In the order of the file, which decides between equals; names are unique.
  public var routes: [RouteSettings] = []

  /// Texts that came out of `${file:…}`, so that they are never printed.
  var secrets = Secrets()

  public init() {}

  /// Where in `pools` the pool of this name stands.
  public func poolIndex(named name: String) -> Int? {
    pools.firstIndex { $0.name == name }
  }

  /// Where in `routes` the route of this name stands.
  public func routeIndex(named name: String) -> Int? {
    routes.firstIndex { $0.name == name }
  }
}
