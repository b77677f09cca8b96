/// How failures of live traffic take a server out of its pool for a while.
///
/// nginx: `max_fails`, `fail_timeout`. HAProxy: `observe`. Envoy: outlier detection.
public struct Ejection: Equatable, Sendable {
  /// So many within `window` eject: connects that fail or time out, connections that break
  /// before an answer, answers that cannot be read.
  ///
  /// 1 … 1000.
  public var failures = 5

  /// 100 ms … 1 h.
  public var window: Duration = .seconds(10)

  /// How long the server is out; then one request tries it.
  ///
  /// 100 ms … 1 h.
  public var duration: Duration = .seconds(10)

  /// Never more than this share of the pool's servers is out at once; the last one never is.
  ///
  /// 0 … 100.
  public var maxPercent = 50

  public init() {}
}

extension Ejection {
  static let declaration = Declaration(blank: Ejection()) {
    Key(
      "failures", \.failures, .integer(1...1000), synonyms: ["max_fails", "fails"],
      "So many within the window eject: connects that fail, connections that break before an "
        + "answer, answers that cannot be read.")
    Key(
      "window", \.window, .duration(.milliseconds(100) ... .seconds(3600)),
      synonyms: ["interval"], "In which time failures are counted.")
    Key(
      "duration", \.duration, .duration(.milliseconds(100) ... .seconds(3600)),
      synonyms: ["fail_timeout", "base_ejection_time"], "How long the server is out.")
    Key(
      "max_percent", \.maxPercent, .percent(0...100), synonyms: ["max_ejection_percent"],
      "Never more than this share of the pool's servers is out at once.")
  }

  static let codec = declaration.codec().optional.or("off", nil)
}
