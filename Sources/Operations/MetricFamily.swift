/// Metrics of one name: what they count, in which unit.
public struct MetricFamily: Sendable {
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  /// As Prometheus names metrics: `martlet_`, what is counted, the base unit, `_total` for
  /// counters.
  public let name: String
  public let kind: Kind
  public let help: String

  public init(_ kind: Kind, _ name: String, _ help: String) {
    self.kind = kind
    self.name = name
    self.help = help
  }
}

/// What tells samples of a family apart, in the order in which it is written.
public typealias MetricLabels = [(name: String, value: String)]

/// A page of metrics in Prometheus's text format 0.0.4: families in the order of their first
/// sample, each with its HELP and TYPE once.
public struct MetricsPage {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private var families: [MetricFamily] = []
  private var samples: [String: String] = [:]

  public init() {}

  public mutating func add(_ family: MetricFamily, _ labels: MetricLabels, _ value: Int64) {
    add(family, suffix: "", MetricsPage.written(labels), "\(value)")
  }

  public mutating func add(_ family: MetricFamily, _ labels: MetricLabels, _ value: Double) {
    add(family, suffix: "", MetricsPage.written(labels), MetricsPage.written(value))
  }

  /// - Parameters:
  ///   - suffix: of a histogram's name: `_bucket`, `_sum`, `_count`.
  ///   - labels: as `written` gives them.
  mutating func add(
    _ family: MetricFamily, suffix: String, _ labels: String, _ value: String
  ) {
    if samples[family.name] == nil { families.append(family) }
    let braced = labels.isEmpty ? "" : "{\(labels)}"
    samples[family.name, default: ""] += "\(family.name)\(suffix)\(braced) \(value)\n"
  }

  public var text: String {
    var text = ""
    for family in families {
      let help = MetricsPage.escaped(family.help, quotes: false)
      text += "# HELP \(family.name) \(help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
      text += samples[family.name] ?? ""
    }
    return text
  }

  /// `name="value",…` with backslash, quote and newline escaped.
  static func written(_ labels: MetricLabels) -> String {
    labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A whole number without a fraction: `1` rather than `1.0`.
  static func written(_ value: Double) -> String {
    Int64(exactly: value).map(String.init) ?? "\(value)"
  }

  /// Nanoseconds as seconds, all digits kept.
  static func seconds(_ nanoseconds: UInt64) -> String {
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    guard rest > 0 else { return "\(whole)" }
    let digits = String(rest)
    var fraction = String(repeating: "0", count: 9 - digits.count) + digits
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(whole).\(fraction)"
  }
}
