/// What becomes of requests whose server fails them.
///
/// nginx: `proxy_next_upstream`. HAProxy: `retries`, `retry-on`. Envoy: `retry_policy`.
public struct RetrySettings: Equatable, Sendable {
  /// How many further servers are tried. 0 repeats nothing, whatever the other keys say.
  ///
  /// 0 … 10. nginx: `proxy_next_upstream_tries` (less one).
  public var tries = 1

  /// Of the requests of a pool, the share that may be repeated although their server was at work
  /// on them: after an answer of `statuses` or one that cannot be read, and after `tryTimeout`.
  /// Ten may be in a burst, and one a second always. What a dead server leaves behind is free.
  ///
  /// 0 … 100. Envoy: `retry_budget`.
  public var budgetPercent = 20

  /// Answers that send an idempotent request on to another server, 400 … 599. Without another
  /// server that takes it, the client gets the answer as it came.
  public var statuses: [ClosedRange<Int>] = [503...503]

  /// How long an idempotent request waits for the first byte of an answer before another server
  /// is asked; all of them together have `timeouts.response`. nil: as long as that.
  ///
  /// 1 ms … 1 h. HAProxy: `timeout server` of `retry-on response-timeout`. Envoy: `per_try_timeout`.
  public var tryTimeout: Duration?

  /// Answers to idempotent requests that are known to be no longer are held until they are whole,
  /// so that a server that dies in the middle of one costs the client nothing. In bytes; 0 holds
  /// none.
  ///
  /// 0 … 1 MiB.
  public var holdBytes = 64 << 10

  public init() {}
}

extension RetrySettings {
  static let declaration = Declaration(blank: RetrySettings()) {
    Key(
      "tries", \.tries, .integer(0...10),
      synonyms: ["attempts", "proxy_next_upstream_tries", "count"],
      "How many further servers are tried; 0 repeats nothing.")
    Key(
      "budget", \.budgetPercent, .percent(0...100), synonyms: ["retry_budget"],
      "The share of requests that may be repeated although their server was at work on them; "
        + "ten in a burst and one a second always may.")
    Key(
      "statuses", \.statuses, .list(of: .failures, isEmptyAllowed: true),
      synonyms: ["status", "retry_on", "codes"],
      "Answers that send an idempotent request on to another server, while there is one.")
    Key(
      "try_timeout", \.tryTimeout,
      Codec<Duration>.duration(.milliseconds(1) ... .seconds(3600)).optional.or("off", nil),
      synonyms: ["per_try_timeout", "proxy_next_upstream_timeout"],
      "When an idempotent request that has no byte of an answer is given to another server.")
    Key(
      "hold", \.holdBytes, .size(0...1 << 20),
      "Answers known to be no longer are held until they are whole, so that a server may die in "
        + "the middle of one; 0 holds none.")
  }

  /// The number of tries alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<Int>.integer(0...10).map(
      { tries in
        var settings = RetrySettings()
        settings.tries = tries
        return settings
      }, { $0.tries }))
}

/// How the page is recognised that a platform shows in place of a server which is stopped, asleep
/// or being moved.
public struct PlatformPage: Equatable, Sendable {
  /// What stands in the page, and in no answer of the application.
  public var text: String

  /// Statuses that the page has; other answers are not looked at. 400 … 599.
  public var statuses: [ClosedRange<Int>] = [403...404]

  public init(text: String) {
    self.text = text
  }
}

extension PlatformPage {
  static let declaration = Declaration(blank: PlatformPage(text: "")) {
    Key(
      "text", \.text, .pageText, isRequired: true, synonyms: ["body", "contains", "match"],
      "What stands in the page, and in no answer of the application.")
    Key(
      "statuses", \.statuses, .list(of: .failures), synonyms: ["status", "codes"],
      "Statuses that the page has.")
  }

  /// The text alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<String>.pageText.map({ PlatformPage(text: $0) }, { $0.text }))
}

extension Codec where Value == String {
  fileprivate static var pageText: Codec {
    .text("a text", pattern: "^[\\s\\S]{8,256}$", examples: ["<h1>This app is stopped</h1>"]) {
      text throws(Complaint) in
      guard (8...256).contains(text.utf8.count) else {
        throw Complaint("has no length that is looked for", ["write 8 to 256 bytes"])
      }
    }
  }
}

extension Codec where Value == ClosedRange<Int> {
  /// Statuses that say that something went wrong.
  static var failures: Codec {
    Codec.statuses.checked { range throws(Complaint) in
      guard range.lowerBound >= 400 else {
        throw Complaint("is no failure", ["write 400 to 599"])
      }
    }
  }
}
