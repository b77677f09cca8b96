import HTTP
import Testing

private let date = "Thu, 29 Feb 2024 12:34:56 GMT"
private let earlier = "Thu, 29 Feb 2024 12:34:55 GMT"
private let later = "Thu, 29 Feb 2024 12:34:57 GMT"
private let tag = "\"65e079f0-14\""

@Suite struct ConditionsTests {
  struct Row: Sendable {
    var rule: String
    var match: String?
    var unmodified: String?
    var noneMatch: String?
    var modified: String?
    var standard: Conditions.Outcome
    var nginx: Conditions.Outcome
  }

  @Test(arguments: [
    Row(rule: "no condition", standard: .holds, nginx: .holds),
    Row(rule: "§13.1.1 listed", match: tag, standard: .holds, nginx: .holds),
    Row(rule: "§13.1.1 not listed", match: "\"x\"", standard: .failed, nginx: .failed),
    Row(rule: "§13.1.1 any", match: "*", standard: .holds, nginx: .holds),
    Row(rule: "§13.1.1 strong comparison", match: "W/\(tag)", standard: .failed, nginx: .failed),
    Row(rule: "§13.1.4 the same date", unmodified: date, standard: .holds, nginx: .holds),
    Row(rule: "§13.1.4 a later date", unmodified: later, standard: .holds, nginx: .holds),
    Row(rule: "§13.1.4 an earlier", unmodified: earlier, standard: .failed, nginx: .failed),
    Row(rule: "§13.1.4 no date", unmodified: "junk", standard: .holds, nginx: .failed),
    Row(
      rule: "§13.2.2 If-Match stands above the date", match: tag, unmodified: earlier,
      standard: .holds, nginx: .failed),
    Row(rule: "§13.1.2 listed", noneMatch: tag, standard: .notModified, nginx: .notModified),
    Row(
      rule: "§13.1.2 weak comparison", noneMatch: "\"x\", W/\(tag)", standard: .notModified,
      nginx: .notModified),
    Row(rule: "§13.1.2 not listed", noneMatch: "\"x\"", standard: .holds, nginx: .holds),
    Row(rule: "§13.1.2 any", noneMatch: "*", standard: .notModified, nginx: .notModified),
    Row(rule: "§13.1.3 same date", modified: date, standard: .notModified, nginx: .notModified),
    Row(rule: "§13.1.3 a later date", modified: later, standard: .notModified, nginx: .holds),
    Row(rule: "§13.1.3 an earlier", modified: earlier, standard: .holds, nginx: .holds),
    Row(rule: "§13.1.3 no date", modified: "junk", standard: .holds, nginx: .holds),
    Row(
      rule: "§13.2.2 If-None-Match stands above the date", noneMatch: tag, modified: earlier,
      standard: .notModified, nginx: .holds),
    Row(
      rule: "§13.2.2 both say so", noneMatch: tag, modified: date, standard: .notModified,
      nginx: .notModified),
    Row(
      rule: "§13.2.2 the date alone says so", noneMatch: "\"x\"", modified: date,
      standard: .holds, nginx: .holds),
    Row(
      rule: "§13.2.2 If-Match comes first", match: "\"x\"", noneMatch: tag, standard: .failed,
      nginx: .failed),
    Row(
      rule: "§13.2.2 and lets the next speak", match: tag, noneMatch: tag,
      standard: .notModified, nginx: .notModified),
    Row(rule: "an empty If-Match lists nothing", match: "", standard: .failed, nginx: .failed),
  ])
  func `conditions are judged`(_ row: Row) {
    #expect(outcome(row, .standard) == row.standard, "\(row.rule)")
    #expect(outcome(row, .nginx) == row.nginx, "nginx 1.22: \(row.rule)")
  }

  private func outcome(_ row: Row, _ rules: Conditions.Rules) -> Conditions.Outcome {
    var text = ""
    func place(_ field: String?) -> Range<Int>? {
      guard let field else { return nil }
      text += "\r\n"  // so that a place which is wrong shows
      defer { text += field }
      return text.utf8.count..<text.utf8.count + field.utf8.count
    }
    var conditions = Conditions()
    conditions.ifMatch = place(row.match)
    conditions.ifUnmodifiedSince = place(row.unmodified)
    conditions.ifNoneMatch = place(row.noneMatch)
    conditions.ifModifiedSince = place(row.modified)
    return conditions.evaluate(
      in: text.utf8.span, tag: tag.utf8.span, modified: HTTPDate(seconds: 1_709_210_096),
      rules: rules)
  }

  @Test(arguments: [
    ("§13.1.5 the tag", tag, true), ("another tag", "\"x\"", false),
    ("§13.1.5 a weak tag never", "W/\(tag)", false), ("§13.1.5 the exact date", date, true),
    ("a later date", later, false), ("an earlier date", earlier, false), ("junk", "junk", false),
    ("empty", "", false), ("a lone quote", "\"", false),
  ])
  func `a range counts only for the very same representation`(
    _ rule: String, _ field: String, _ applies: Bool
  ) {
    var conditions = Conditions()
    conditions.ifRange = 0..<field.utf8.count
    let got = conditions.rangeApplies(
      in: field.utf8.span, tag: tag.utf8.span, modified: HTTPDate(seconds: 1_709_210_096))
    #expect(got == applies, "\(rule)")
  }

  @Test func `without If-Range every range counts`() {
    let got = Conditions().rangeApplies(
      in: "".utf8.span, tag: tag.utf8.span, modified: HTTPDate(seconds: 0))
    #expect(got)
  }
}
