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

  /// How the client's address is found behind them.
  public var clientAddress = ClientAddress()

  /// The configuration's own variables; names are unique.
  public var variables: [VariableSettings] = []

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
  /// How files are kept in memory, and how the disk is asked for them.
  public var fileCache = FileCacheSettings()
  /// How answers are compressed where routes do not say otherwise; nil is not at all.
  ///
  /// nginx: `gzip`.
  public var gzip: GzipSettings?
  /// What is written down, and where.
  public var log = LogSettings()
  /// TLS towards clients, wherever it is spoken.
  public var tls = TLSSettings()
  /// How a changed file is noticed.
  public var reload = ReloadSettings()
  /// How the process ends.
  public var shutdown = Shutdown()

  /// Edits of every request's head on its way to a server; a route's own come after.
  public var requestHeaders = HeaderEdits()
  /// Edits of every response's head, whoever answers; a route's own come after.
  public var responseHeaders = HeaderEdits()

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

extension Configuration {
  static let declaration = Declaration(blank: Configuration()) {
    Key(
      "listen", \.listen, .clientListeners, isRequired: true,
      synonyms: ["bind", "port", "entrypoints"],
      "Where clients connect: ADDRESS:PORT, or :PORT for all addresses, IPv6 and IPv4; or keys.")
    Key(
      "workers", \.workers, Codec<Int>.integer(1...256).optional.or("auto", nil),
      synonyms: ["worker_processes", "nbthread", "threads"],
      "How many threads serve; auto is one per core that the cgroup grants.")
    Key(
      "admin", \.admin, Admin.codec.optional, synonyms: ["metrics", "status", "stats"],
      "Where probes and metrics are answered; without it, nowhere.")
    Key(
      "trusted_proxies", \.trustedProxies,
      .list(of: .addressBlock, takesCommas: true, isEmptyAllowed: true),
      synonyms: ["set_real_ip_from", "trusted_ips", "real_ip"],
      "Whose X-Forwarded-* is believed: addresses and blocks.")
    Key(
      "client_address", \.clientAddress, ClientAddress.declaration.codec(),
      synonyms: ["real_ip_header", "real_ip_recursive"],
      "How the client's address is found behind trusted proxies.")
    Key(
      "variables", \.variables, .variables, synonyms: ["map", "maps", "vars", "set"],
      "Variables of your own for headers and files: a text, or a map.")
    Key(
      "forwarded", \.forwarded, ForwardedPolicy.declaration.codec(),
      synonyms: ["forwarded_headers"], "What servers are told about the client.")
    Key(
      "limits", \.limits, Limits.declaration.codec(),
      "The most that a client or a server may ask.")
    Key(
      "timeouts", \.timeouts, Timeouts.declaration.codec(),
      "How long the client's side may take, each counted from the last progress.")
    Key(
      "keepalive", \.keepalive, ClientKeepalive.declaration.codec(), synonyms: ["keep_alive"],
      "How clients' connections are kept for their next request.")
    Key(
      "expect_continue", \.expectContinue, .words("a policy for Expect"),
      "Who answers Expect: 100-continue: Martlet does (answer), or the server (relay).")
    Key(
      "buffers", \.buffers, Buffering.declaration.codec(), synonyms: ["buffering"],
      "How much of one body stays in memory.")
    Key(
      "file_cache", \.fileCache, FileCacheSettings.declaration.codec(),
      synonyms: ["open_file_cache", "files", "cache"],
      "How files are kept in memory, and how the disk is asked for them.")
    Key(
      "gzip", \.gzip, GzipSettings.codec,
      synonyms: ["compression", "compress", "encode", "gzip_types", "gzip_comp_level"],
      "How answers are compressed for who takes gzip: on, off, or keys. Routes may differ.")
    Key(
      "log", \.log, LogSettings.declaration.codec(), synonyms: ["logging", "logs", "access_log"],
      "What is written down, and where.")
    Key(
      "reload", \.reload, ReloadSettings.declaration.codec(), synonyms: ["watch", "hot_reload"],
      "How a changed file is noticed, beside SIGHUP.")
    Key(
      "tls", \.tls, TLSSettings.declaration.codec(), synonyms: ["ssl", "certificates"],
      "TLS towards clients, wherever listen speaks it.")
    Key("shutdown", \.shutdown, Shutdown.declaration.codec(), "How the process ends.")
    Key(
      "request_headers", \.requestHeaders, HeaderEdits.requests.codec(),
      "Edits of all requests' headers on their way to a server; a route's own come after.")
    Key(
      "response_headers", \.responseHeaders, HeaderEdits.responses.codec(),
      synonyms: ["security_headers"],
      "Edits of all responses' headers, Martlet's own answers included; a route's own come after.")
    Key(
      "pools", \.pools, .pools,
      synonyms: ["backends", "upstreams", "services", "clusters", "upstream", "servers"],
      "Interchangeable servers, under a name of yours.")
    Key(
      "routes", \.routes, .list(of: RouteSettings.declaration.codec()), isRequired: true,
      synonyms: ["locations", "rules", "routers", "location", "server"],
      "Which requests, and what becomes of them.")
  }
}

extension Codec where Value == AddressBlock {
  static var addressBlock: Codec {
    Codec(
      .text(
        noun: "an address or block", pattern: "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
        examples: ["10.0.0.0/8", "192.0.2.1", "fd00::/8"]),
      parse: { text throws(Complaint) in
        do throws(AddressError) {
          return try AddressBlock(text)
        } catch {
          guard error.reason == .notAnAddress else { throw Complaint(error) }
          throw Complaint(
            "is not an address or a block of such",
            ["write it like 192.0.2.1, 10.0.0.0/8 or fd00::/8"])
        }
      }, write: { .string($0.description) })
  }
}
