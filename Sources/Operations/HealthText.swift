import Balancing

/// What the log says when a server's health changes: the cause, and what is left.
enum HealthText {
  /// `server b (10.0.0.7:8000) down: 3 checks failed in 10.0 s: connection refused; pool erp: 1 of
  /// 2 left`
  static func message(_ change: HealthChange, up: Int, of count: Int) -> String {
    let target = change.target
    let address = target.address.description
    let server = target.server == address ? address : "\(target.server) (\(address))"
    let pool = "pool \(target.pool)"
    var maintenance = ""
    if case .maintenance(let status) = change.result { maintenance = "in maintenance (\(status))" }
    switch change.transition {
    case .cameUp(let successes):
      let checks = successes == 1 ? "check" : "checks"
      let more = maintenance.isEmpty ? "" : ", \(maintenance)"
      return
        "server \(server) up: \(successes) \(checks) succeeded\(more); \(pool): \(up) of \(count) up"
    case .wentDown(let failures):
      let checks = failures == 1 ? "1 check failed" : "\(failures) checks failed"
      let span = failures == 1 ? "" : " in \(seconds(change.span))"
      var cause = ""
      if case .failure(let text) = change.result { cause = ": \(text)" }
      return "server \(server) down: \(checks)\(span)\(cause); \(pool): \(up) of \(count) left"
    case .maintenanceBegan:
      return "server \(server) \(maintenance): it stays in; \(pool): \(up) of \(count) up"
    case .maintenanceEnded:
      return "server \(server) no longer in maintenance; \(pool): \(up) of \(count) up"
    }
  }

  /// `2 s`, `1.5 s`, `0.2 s`
  static func seconds(_ duration: Duration) -> String {
    let tenths = (duration / .milliseconds(100)).rounded()
    let whole = Int(tenths) / 10
    let rest = Int(tenths) % 10
    return rest == 0 ? "\(whole) s" : "\(whole).\(rest) s"
  }
}
