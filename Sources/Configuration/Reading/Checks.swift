import Network

/// What is wrong although every value by itself is right.
enum Checks {
  static func run(on configuration: Configuration, _ reading: inout Reading) {
    checkListeners(configuration, &reading)
    if configuration.limits.requestLineBytes > configuration.limits.headBytes {
      reading.report(
        at: ["limits", "request_line"], "request_line is larger than head, which it is a part of",
        ["head is \(ByteCount.text(configuration.limits.headBytes))"])
    }
    if configuration.shutdown.servedLameDuck >= configuration.shutdown.deadline {
      reading.report(
        at: ["shutdown", "lame_duck"],
        "lame_duck leaves no time until the deadline, which counts from the signal, too",
        ["deadline is \(TimeSpan.text(configuration.shutdown.deadline))"])
    }
    for pool in configuration.pools { check(pool, &reading) }
    RouteChecks.run(on: configuration, &reading)
    VariableChecks.run(on: configuration, &reading)
  }

  private static func checkListeners(
    _ configuration: Configuration, _ reading: inout Reading
  ) {
    var seen: [Endpoint] = []
    for (i, listen) in configuration.listen.enumerated() where listen.endpoint.port > 0 {
      if seen.contains(listen.endpoint) {
        reading.report(
          at: ["listen", String(i)], "\(listen.endpoint) is listened on twice", ["remove one"])
      }
      seen.append(listen.endpoint)
    }
    for (i, listen) in configuration.listen.enumerated() {
      check(listen, at: ["listen", String(i)], configuration, &reading)
    }
    for (i, listen) in (configuration.admin?.listen ?? []).enumerated()
    where seen.contains(listen.endpoint) {
      reading.report(
        at: ["admin", "listen", String(i)],
        "\(listen.endpoint) is where clients connect",
        ["give admin an address of its own, so that clients cannot reach it: 127.0.0.1:8081"])
    }
  }

  private static func check(
    _ listen: Listen, at path: [String], _ configuration: Configuration, _ reading: inout Reading
  ) {
    if let proxies = listen.proxyProtocol, proxies.senders == nil,
      reading.isWhole(path + ["proxy_protocol"]),
      configuration.trustedProxies.isEmpty, reading.isSound(["trusted_proxies"])
    {
      reading.report(
        at: path + ["proxy_protocol"],
        "proxy_protocol believes nobody: it asks trusted_proxies, which has nothing in it",
        ["name the balancers there, or here: {from: [10.0.0.0/8]}"])
    }
    guard let redirect = listen.redirect, reading.isWhole(path + ["redirect"]) else { return }
    if listen.tls != nil {
      reading.report(
        at: path + ["redirect"], "redirect leads to HTTPS, which clients speak here already",
        ["remove it, or give plain HTTP an address of its own: {address: \":80\", redirect: https}"]
      )
    } else if Int(listen.endpoint.port) == redirect.port {
      reading.report(
        at: path + ["redirect"], "redirect leads back to port \(redirect.port), where no TLS is",
        ["name the port of HTTPS: {port: 8443}"])
    }
  }

  // MARK: Pools

  private static func check(_ pool: PoolSettings, _ reading: inout Reading) {
    let path = ["pools", pool.name]
    var endpoints: Set<Endpoint> = []
    var names: Set<String> = []
    for (i, server) in pool.servers.enumerated() where server.endpoint.port > 0 {
      let place = path + ["servers", String(i)]
      if !endpoints.insert(server.endpoint).inserted {
        reading.report(
          at: place, "\(server.endpoint) is in the pool \(pool.name) twice",
          ["give it a weight to let it have more requests: {address: ADDRESS, weight: 2}"])
      } else if !names.insert(server.name).inserted {
        reading.report(
          at: place + ["name"],
          "\(Reading.quoted(server.name)) is another server of the pool \(pool.name)",
          ["names tell servers apart in logs and metrics"])
      }
    }
    if !pool.servers.isEmpty, pool.servers.allSatisfy(\.isBackup) {
      reading.report(
        at: path + ["servers"], "all servers of the pool \(pool.name) are backups",
        ["a backup stands in for another server: let one have no backup: true"])
    }
    if case .hash(let keys) = pool.strategy {
      check(keys, at: path + ["strategy", "hash"], &reading)
      if pool.affinity != .off {
        reading.report(
          at: path + ["affinity"],
          "affinity has nothing to decide: the strategy hash already keeps a client at its server",
          ["remove affinity, or choose the strategy round_robin"])
      }
      if pool.slowStart > .zero {
        reading.report(
          at: path + ["slow_start"],
          "slow_start has nothing to slow: the strategy hash leads each key to its server at once",
          ["remove slow_start, or choose the strategy least_requests"])
      }
    }
    if let tls = pool.tls, tls.revoked != nil {
      check(crlOf: tls, at: path + ["tls", "crl"], &reading)
    }
    if let health = pool.health { check(health, at: path + ["health"], &reading) }
    switch pool.affinity {
    case .hash(let keys): check(keys, at: path + ["affinity", "hash"], &reading)
    case .cookie(let cookie) where cookie.sameSite == .none && cookie.secure == .never:
      reading.report(
        at: path + ["affinity", "cookie", "secure"],
        "browsers drop a cookie with same_site none that is not secure",
        ["write secure: auto, or same_site: lax"])
    case .cookie, .off: break
    }
  }

  private static func check(
    crlOf tls: PoolTLS, at path: [String], _ reading: inout Reading
  ) {
    if !tls.verifies {
      reading.report(
        at: path, "crl is never looked at: verify is false, and believes anybody",
        ["remove crl, or verify"])
    } else if tls.authorities == nil {
      // Those of the system have hundreds of lists, each in parts and renewed by the day.
      reading.report(
        at: path, "crl has lists of authorities that ca does not name",
        ["name them: ca: /path/ca.pem"])
    }
  }

  private static func check(
    _ health: HealthCheck, at path: [String], _ reading: inout Reading
  ) {
    for (i, statuses) in health.maintenance.enumerated() {
      guard let other = health.status.first(where: { $0.overlaps(statuses) }) else { continue }
      let twice = statuses.clamped(to: other)
      let text =
        twice.count == 1 ? "\(twice.lowerBound)" : "\(twice.lowerBound)-\(twice.upperBound)"
      reading.report(
        at: path + ["maintenance", String(i)],
        "\(text) counts as well by status already: maintenance would never be seen",
        ["leave it out of status, or of maintenance"])
    }
  }

  private static func check(_ keys: [HashKey], at path: [String], _ reading: inout Reading) {
    for (i, key) in keys.enumerated() {
      if keys[..<i].contains(key) {
        reading.report(at: path + [String(i)], "\(key) is in the list twice", ["remove one"])
      } else if keys[..<i].contains(.address) {
        reading.report(
          at: path + [String(i)], "\(key) is never looked at: every request has an address",
          ["put address last"])
      }
    }
  }
}
