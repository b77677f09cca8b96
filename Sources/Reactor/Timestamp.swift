/// A moment as logs write it: RFC 3339, UTC, to the millisecond.
public enum Timestamp {
  /// - Parameter wall: nanoseconds since 1970 (`Clock.wall`).
  public static func text(_ wall: UInt64) -> String {
    let milliseconds = Int(wall / 1_000_000)
    let (days, ofDay) = (milliseconds / 86_400_000, milliseconds % 86_400_000)
    let (year, month, day) = date(days)
    let seconds = ofDay / 1000
    var text = ""
    text.reserveCapacity(24)
    put(year, 4, "-", &text)
    put(month, 2, "-", &text)
    put(day, 2, "T", &text)
    put(seconds / 3600, 2, ":", &text)
    put(seconds / 60 % 60, 2, ":", &text)
    put(seconds % 60, 2, ".", &text)
    put(ofDay % 1000, 3, "Z", &text)
    return text
  }

  private static func put(_ number: Int, _ width: Int, _ after: String, _ text: inout String) {
    let digits = String(number)
    text += String(repeating: "0", count: max(width - digits.count, 0)) + digits + after
  }

  /// The date so many days after 1970-01-01 (Hinnant, "chrono-compatible low-level date
  /// algorithms": years begin in March, so that leap days are their last).
  private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let z = days + 719_468
    let era = z / 146_097
    let ofEra = z % 146_097
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * ofYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shifted + 2) / 5 + 1
    )
  }
}
