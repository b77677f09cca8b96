import Network

/// What is doubtful though it means something: mostly what ERPNext's containers and Azure
/// Container Apps would make of it.
enum Lints {
  /// gunicorn closes an idle connection after this time unless told otherwise (`--keep-alive`).
  private static let gunicornKeepalive = Duration.seconds(2)
  /// gunicorn kills a worker whose request takes longer (`--timeout`, frappe_docker's value).
  private static let gunicornTimeout = Duration.seconds(120)
  /// The ingress of Azure Container Apps ends a request after 240 s without a word.
  private static let ingressLimit = Duration.seconds(235)
  /// Engine.IO's ping interval and timeout together: 25 s + 20 s.
  private static let engineSilence = Duration.seconds(45)
  /// Container platforms send SIGKILL so long after SIGTERM unless told otherwise.
  private static let killDelay = Duration.seconds(30)

  static func run(
    on configuration: Configuration, _ view: FileSystemView?, _ reading: inout Reading
  ) {
    if configuration.shutdown.deadline > killDelay {
      reading.report(
        .warning, at: ["shutdown", "deadline"],
        "container platforms kill 30s after SIGTERM unless told otherwise",
        ["write 27s, or raise the platform's grace period (terminationGracePeriodSeconds)"])
    }
    lint(configuration.trustedProxies, at: ["trusted_proxies"], &reading)
    for (i, listen) in configuration.listen.enumerated() {
      guard let proxies = listen.proxyProtocol else { continue }
      let path = ["listen", String(i), "proxy_protocol"]
      lint(proxies.senders ?? [], at: path + ["from"], &reading)
      guard proxies.senders == nil, !reading.has(["trusted_proxies"]) else { continue }
      reading.report(
        .warning, at: path,
        "proxy_protocol believes only this machine itself, as long as trusted_proxies names nobody",
        ["name the balancers there, or here: {from: [10.0.0.0/8]}"])
    }
    if configuration.forwarded.keepsClientCertificate, !reading.has(["trusted_proxies"]) {
      reading.report(
        .warning, at: ["forwarded", "client_cert"],
        "keep believes every program of this machine, as long as trusted_proxies names nobody",
        ["name the proxies that check certificates: trusted_proxies: [10.0.0.0/8]"])
    }
    for pool in configuration.pools { lint(pool, configuration, &reading) }
    for (i, route) in configuration.routes.enumerated() {
      lint(route, at: ["routes", String(i)], configuration, &reading)
    }
    if let view { FileLints.run(on: configuration, view, &reading) }
  }

  private static func lint(
    _ blocks: [AddressBlock], at path: [String], _ reading: inout Reading
  ) {
    for (i, block) in blocks.enumerated() where block.prefixLength == 0 {
      reading.report(
        .warning, at: path + [String(i)],
        "\(block) trusts everybody: any client can then claim any address",
        ["name the networks of the proxies in front"])
    }
  }

  // MARK: Pools

  /// By its port or by what is asked for, gunicorn with Frappe.
  private static func isFrappe(_ pool: PoolSettings) -> Bool {
    pool.health?.path.hasPrefix("/api/method/") ?? false
      || pool.servers.contains { $0.endpoint.port == 8000 }
  }

  private static func lint(
    _ pool: PoolSettings, _ configuration: Configuration, _ reading: inout Reading
  ) {
    let path = ["pools", pool.name]
    if isFrappe(pool), let keepalive = pool.keepalive, keepalive.idle >= gunicornKeepalive {
      reading.report(
        .warning, at: path + ["keepalive", "idle"],
        "gunicorn closes idle connections after 2s unless told otherwise (--keep-alive)",
        ["write 1500ms, or less than gunicorn's own"])
    }
    if pool.timeouts.response > ingressLimit {
      reading.report(
        .warning, at: path + ["timeouts", "response"],
        "Azure Container Apps' ingress gives up after 240s, before this timeout",
        ["up to 235s the client gets an answer that says so"])
    } else if isFrappe(pool), pool.timeouts.response < gunicornTimeout,
      reading.has(path + ["timeouts", "response"])
    {
      reading.report(
        .warning, at: path + ["timeouts", "response"],
        "gunicorn lets a request run for 120s (frappe_docker's --timeout), and would go on after "
          + "the client was told 504",
        ["write 120s or more, or lower gunicorn's timeout too"])
    }
    let isUsed = configuration.routes.contains { route in
      if case .proxy(let settings) = route.action { settings.pool == pool.name } else { false }
    }
    if !isUsed {
      reading.report(
        .warning, atKey: path, "no route leads to the pool \(pool.name)",
        ["add a route: {match: {prefix: /}, proxy: \(pool.name)}"])
    }
  }

  // MARK: Routes

  private static func lint(
    _ route: RouteSettings, at path: [String], _ configuration: Configuration,
    _ reading: inout Reading
  ) {
    guard case .proxy(let settings) = route.action else {
      if !route.requestHeaders.isEmpty {
        reading.report(
          .warning, atKey: path + ["request_headers"],
          "request_headers change nothing here: no server sees this route's requests",
          ["move them to the route that the fallback names, or say response_headers"])
      }
      return
    }
    if let response = settings.timeouts.response, response > ingressLimit {
      reading.report(
        .warning, at: path + ["proxy", "timeouts", "response"],
        "Azure Container Apps' ingress gives up after 240s, before this timeout",
        ["up to 235s the client gets an answer that says so"])
    }
    guard settings.upgrade.contains("websocket") else { return }
    let advice = ["write 60s or more"]
    let tunnel = settings.timeouts.tunnel ?? configuration.timeouts.tunnel
    if tunnel <= engineSilence {
      let own = path + ["proxy", "timeouts", "tunnel"]
      reading.report(
        .warning, at: reading.has(own) ? own : ["timeouts", "tunnel"],
        "Socket.IO may be silent for 45s (pingInterval + pingTimeout): this ends live connections",
        advice)
    }
    let pool = configuration.pools.first { $0.name == settings.pool }
    if let response = settings.timeouts.response ?? pool?.timeouts.response,
      response <= engineSilence
    {
      let own = path + ["proxy", "timeouts", "response"]
      reading.report(
        .warning,
        at: reading.has(own) ? own : ["pools", settings.pool, "timeouts", "response"],
        "Socket.IO's long polls may be silent for 45s: this ends them", advice)
    }
  }
}
