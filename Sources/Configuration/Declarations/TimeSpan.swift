/// Durations as texts: `1500ms`, `5s`, `2m`, `1h`, `1h30m`.
enum TimeSpan {
  private static let units: [(name: String, milliseconds: Int)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]
  private static let longestMilliseconds = 366 * 86_400_000

  static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  /// The shortest text that is exact to the millisecond.
  static func text(_ duration: Duration) -> String {
    let milliseconds = milliseconds(duration)
    guard milliseconds > 0 else { return "0s" }
    let unit = units.first { milliseconds % $0.milliseconds == 0 } ?? ("ms", 1)
    return "\(milliseconds / unit.milliseconds)\(unit.name)"
  }

  static func parse(_ text: String) throws(Complaint) -> Duration {
    let example = "write a duration like 500ms, 5s, 2m or 1h"
    guard text != "0" else { return .zero }
    var rest = text[...]
    var total = 0
    var smallest = Int.max
    guard !rest.isEmpty else { throw Complaint("is not a duration", [example]) }
    while !rest.isEmpty {
      let digits = rest.prefix { ("0"..."9").contains($0) }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isLetter || $0 == "µ" }
      rest = rest.dropFirst(name.count)
      guard let number = Int(digits) else {
        let isTooLong = !digits.isEmpty
        throw Complaint(isTooLong ? "is too long" : "is not a duration", [example])
      }
      guard let unit = units.first(where: { $0.name == name }) else {
        guard name.isEmpty else { throw unknownUnit(name, digits, isWhole: rest.isEmpty) }
        let isFraction = rest.first == "."
        throw Complaint(
          isFraction ? "is not a whole number of a unit" : "has no unit",
          [isFraction ? "write 1500ms for 1.5s" : "did you mean \(digits)s? Units: ms, s, m, h, d"])
      }
      guard unit.milliseconds < smallest else {
        throw Complaint("is not a duration", ["larger units come first, each once: 1h30m"])
      }
      smallest = unit.milliseconds
      let (product, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
      guard !overflow, product <= longestMilliseconds - min(total, longestMilliseconds) else {
        throw Complaint("is too long")
      }
      total += product
    }
    return .milliseconds(total)
  }

  private static func unknownUnit(
    _ name: Substring, _ digits: Substring, isWhole: Bool
  ) -> Complaint {
    let known = [
      "sec": "s", "secs": "s", "second": "s", "seconds": "s", "S": "s", "min": "m", "mins": "m",
      "minute": "m", "minutes": "m", "M": "m", "hour": "h", "hours": "h", "hr": "h", "H": "h",
      "day": "d", "days": "d", "msec": "ms", "millis": "ms", "milliseconds": "ms",
    ]
    let advice =
      isWhole ? known[String(name)].map { "did you mean \(digits)\($0)?" } : nil
    return Complaint(
      "has no unit that durations are written in", [advice ?? "units are ms, s, m, h and d"])
  }
}
