/// Where requests wait that no server of their pool can take now: all are full, or none is up.
///
/// The most urgent wait in front, and among equals who came first. Requests that have been with a
/// server do not wait unless they may be sent again.
///
/// HAProxy: `maxqueue`, `timeout queue`. nginx Plus: `queue`.
public struct QueueSettings: Equatable, Sendable {
  /// How many may wait, with all workers together; others are refused, the least urgent and
  /// youngest first. 0: none waits.
  ///
  /// 0 … 1,000,000.
  public var requests = 1000

  /// How long one may wait before it is refused.
  ///
  /// 10 ms … 10 min.
  public var timeout: Duration = .seconds(30)

  /// What a refused client is told to wait before it comes again, by Retry-After and by a page
  /// that loads itself anew.
  ///
  /// 1 s … 1 h.
  public var retryAfter: Duration = .seconds(5)

  /// HTML that browsers get that are refused, up to 64 KiB; nil is a plain page of our own, which
  /// loads itself anew. A file is read into it by `${file:/path}`.
  public var page: String?

  /// How much of a server's capacity requests of normal priority may fill, those of high priority
  /// and of low counted. The rest is kept free for high priority.
  ///
  /// 1 … 100 percent; at least one slot.
  public var normalPercent = 100

  /// How much of a server's capacity requests of low priority may fill, all others counted.
  ///
  /// 1 … 100 percent; at least one slot.
  public var lowPercent = 75

  public init() {}
}

extension QueueSettings {
  static let declaration = Declaration(blank: QueueSettings()) {
    Key(
      "requests", \.requests, .integer(0...1_000_000), synonyms: ["maxqueue", "size", "length"],
      "How many requests may wait, with all workers together.")
    Key(
      "timeout", \.timeout, .duration(.milliseconds(10) ... .seconds(600)),
      synonyms: ["deadline", "timeout_queue"], "How long one may wait before it is refused.")
    Key(
      "retry_after", \.retryAfter, .duration(.seconds(1) ... .seconds(3600)),
      "When a client that is refused may come again.")
    Key(
      "page", \.page, Codec<String>.html.optional, synonyms: ["error_page", "errorfile"],
      "HTML for browsers that are refused: ${file:/path/page.html}; without it, a plain page that "
        + "loads itself anew.")
    Key(
      "normal", \.normalPercent, .percent(1...100),
      "How much of a server's capacity requests of normal priority may fill; the rest is kept "
        + "for high.")
    Key(
      "low", \.lowPercent, .percent(1...100),
      "How much of a server's capacity requests of low priority may fill.")
  }

  /// Nothing waits.
  static let off = {
    var settings = QueueSettings()
    settings.requests = 0
    return settings
  }()

  static let codec = declaration.codec().or("off", off).optional
}

extension Codec where Value == String {
  fileprivate static var html: Codec {
    .text("a page of HTML") { text throws(Complaint) in
      guard (1...64 << 10).contains(text.utf8.count) else {
        throw Complaint(text.isEmpty ? "is empty" : "is too large", ["the most is 64KiB"])
      }
    }
  }
}
