import Reactor

/// What came of a load.
public struct Report: Sendable {
  let plan: LoadPlan
  let names: [String]
  /// By kind, in the mix's order.
  public internal(set) var tallies: [Tally]
  /// Of each event over a socket: from when the server says that it sent it.
  public internal(set) var events = Tally()
  /// How much later than meant a request was noticed to be due: the generator's own share of
  /// latency. When it is not small, the generator is what was measured.
  public internal(set) var lag = Histogram()
  var lastAnswer: Instant = 0
  private var seconds = 0.0

  init(_ plan: LoadPlan, _ mix: Mix) {
    self.plan = plan
    names = mix.kinds.map(\.name)
    tallies = Array(repeating: Tally(), count: mix.kinds.count)
  }

  /// The load has ended. A server that has fallen behind is given its time, and it is counted.
  mutating func close(_ window: Generator.Window) {
    seconds = Double(max(window.end, lastAnswer) - window.counted) / 1e9
  }

  /// All kinds together; events over sockets are not requests.
  public var all: Tally {
    var all = Tally()
    for tally in tallies { all.add(tally) }
    return all
  }

  /// Right answers in a second.
  public var achieved: Double { Double(all.answers) / seconds }

  public var json: String {
    var text = JSONObject()
    text.add("rate_asked", plan.rate)
    text.add("rate_achieved", achieved)
    text.add("seconds", seconds)
    text.add("connections", Double(plan.connections))
    text.add("arrivals", text: plan.arrivals.rawValue)
    text.add("seed", Double(plan.seed))
    text.add("lag", Self.percentiles(lag))
    text.add("all", Self.object(all))
    var kinds = JSONObject()
    for (name, tally) in zip(names, tallies) { kinds.add(name, Self.object(tally)) }
    text.add("kinds", kinds)
    text.add("events", Self.object(events))
    return text.text
  }

  private static func object(_ tally: Tally) -> JSONObject {
    var object = JSONObject()
    object.add("answers", Double(tally.answers))
    object.add("errors", Double(tally.errors))
    var failures = JSONObject()
    for failure in Failure.allCases where tally.failures[failure.rawValue] > 0 {
      failures.add("\(failure)", Double(tally.failures[failure.rawValue]))
    }
    object.add("failures", failures)
    object.add("body_bytes", Double(tally.bodyBytes))
    object.add("latency", percentiles(tally.latency))
    object.add("uncorrected", percentiles(tally.uncorrected))
    return object
  }

  private static func percentiles(_ histogram: Histogram) -> JSONObject {
    var object = JSONObject()
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)] {
      object.add("\(name)_us", Double(histogram.percentile(share)) / 1000)
    }
    object.add("max_us", Double(histogram.maximum) / 1000)
    return object
  }
}

/// An object of JSON (RFC 8259 §4). Names and texts are this program's own or those of a mix:
/// quotes and backslashes are all that there is to escape.
struct JSONObject {
  private var members: [String] = []

  var text: String { "{" + members.joined(separator: ", ") + "}" }

  mutating func add(_ name: String, _ number: Double) {
    add(name, raw: number == number.rounded() ? "\(Int64(number))" : "\(number)")
  }

  mutating func add(_ name: String, text: String) { add(name, raw: Self.quoted(text)) }

  mutating func add(_ name: String, _ object: JSONObject) { add(name, raw: object.text) }

  private mutating func add(_ name: String, raw: String) {
    members.append("\(Self.quoted(name)): \(raw)")
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      if scalar.value >= 0x20 { result.unicodeScalars.append(scalar) }
    }
    return result + "\""
  }
}
