/// How a pool asks its servers whether they are well. A server is down until its first success.
public struct HealthCheck: Equatable, Sendable {
  /// The target asked for by GET.
  public var path: String

  /// The Host that is asked for; nil is the server's own endpoint.
  public var host: String?

  /// Further fields of the request.
  public var headers: [HeaderField] = []

  /// Statuses that count as well.
  public var status: [ClosedRange<Int>] = [200...399]

  /// Statuses that say that the server is well and its site is being maintained: the server
  /// stays up and answers clients itself. `body` is not looked for in such an answer.
  public var maintenance: [ClosedRange<Int>] = []

  /// A text that the first 64 KiB of the body must contain; nil asks for none.
  public var body: String?

  /// From one check to the next.
  ///
  /// 100 ms … 1 h. HAProxy: `inter`.
  public var interval: Duration = .seconds(5)

  /// From the connect to the last byte needed; no later is a failure.
  ///
  /// 10 ms … 60 s. Where it is longer than `interval`, a check that takes so long puts the next
  /// one off. HAProxy: `timeout check`.
  public var timeout: Duration = .seconds(2)

  /// So many successes in a row bring a server up that was down.
  ///
  /// 1 … 100. HAProxy: `rise`.
  public var rise = 2

  /// So many failures in a row take a server down.
  ///
  /// 1 … 100. HAProxy: `fall`.
  public var fall = 3

  /// By how many percent of itself an interval is at most longer or shorter, so that
  /// instances do not ask in step.
  ///
  /// 0 … 50.
  public var jitterPercent = 10

  /// A server that is up is not asked while its pool has had no request for so long and has none
  /// now, so that an app may sleep that is started by requests; it stays up meanwhile. The first
  /// request goes to it at once, and checks go on. nil: it is always asked.
  ///
  /// 1 s … 1 day.
  public var whenActive: Duration?

  public init(path: String) {
    self.path = path
  }
}

extension HealthCheck {
  static let declaration = Declaration(blank: HealthCheck(path: "")) {
    Key(
      "path", \.path, .path, isRequired: true, synonyms: ["uri", "url", "target"],
      "What is asked for by GET.")
    Key(
      "host", \.host, Codec<String>.hostText.optional,
      "The Host that is asked for; the server's own address unless told.")
    Key("headers", \.headers, .fields, "Further headers of the request.")
    Key(
      "status", \.status, .list(of: .statuses), synonyms: ["expect", "statuses", "code"],
      "Statuses that count as well: 200, or 200-399, or a list.")
    Key(
      "maintenance", \.maintenance, .list(of: .statuses, isEmptyAllowed: true),
      synonyms: ["updating"],
      "Statuses of a server that is well while its site is maintained: it stays up.")
    Key(
      "body", \.body, Codec<String>.bodyText.optional, synonyms: ["contains", "match"],
      "A text that the first 64 KiB of the body must contain.")
    Key(
      "interval", \.interval, .duration(.milliseconds(100) ... .seconds(3600)),
      synonyms: ["inter", "every", "period"], "From one check to the next.")
    Key(
      "timeout", \.timeout, .duration(.milliseconds(10) ... .seconds(60)),
      "When an answer is too late.")
    Key(
      "rise", \.rise, .integer(1...100), synonyms: ["healthy_threshold", "passes"],
      "So many successes in a row bring a server up.")
    Key(
      "fall", \.fall, .integer(1...100), synonyms: ["unhealthy_threshold", "fails"],
      "So many failures in a row take a server down.")
    Key(
      "jitter", \.jitterPercent, .percent(0...50),
      "By how much of itself an interval is at most longer or shorter.")
    Key(
      "when_active", \.whenActive,
      Codec<Duration>.duration(.seconds(1) ... .seconds(86400)).optional.or("off", nil),
      synonyms: ["idle_timeout", "pause"],
      "A server that is up is not asked while its pool has had no request for so long: an app that "
        + "scales to zero may sleep.")
  }
}

extension Codec where Value == String {
  static var hostText: Codec {
    .text("a host", examples: ["erp.example.com"], check: HTTPText.checkHost)
  }

  fileprivate static var bodyText: Codec {
    .text("a text", pattern: "^[\\s\\S]{1,1024}$") { text throws(Complaint) in
      guard (1...1024).contains(text.utf8.count) else {
        throw Complaint("has no length that is looked for", ["write 1 to 1024 bytes"])
      }
    }
  }
}

extension Codec where Value == ClosedRange<Int> {
  /// `200` or `200-399`.
  static var statuses: Codec {
    Codec(
      .text(
        noun: "a status or a range of such", pattern: "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$",
        examples: ["200", "200-399"]),
      parse: { text throws(Complaint) in
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
          part.count == 3 && part.allSatisfy { ("0"..."9").contains($0) } ? Int(part) : nil
        }
        guard numbers.count == parts.count, (1...2).contains(numbers.count) else {
          throw Complaint("is not a status", ["write 200, or a range like 200-399"])
        }
        guard let low = numbers.first, let high = numbers.last, low >= 100, high <= 599 else {
          throw Complaint("is out of range", ["write 100 to 599"])
        }
        guard low <= high else {
          throw Complaint("ends before it begins", ["did you mean \(high)-\(low)?"])
        }
        return low...high
      },
      write: { range in
        range.count == 1
          ? .integer(range.lowerBound) : .string("\(range.lowerBound)-\(range.upperBound)")
      })
  }
}
