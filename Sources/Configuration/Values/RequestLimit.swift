/// The most that one client, or whoever a key names, may ask of a route.
///
/// nginx: `limit_req`, `limit_conn`. Traefik: `RateLimit`, `InFlightReq`.
public struct RequestLimit: Equatable, Sendable {
  /// All limits of one route.
  public static let countLimit = 4

  /// What is counted: requests that have the same value of it. A request without it, for it has no
  /// such header or cookie, is not limited. IPv6 addresses count by their first 64 bits, for one
  /// client has as many of the others as it likes.
  public var key = HashKey.address

  /// How many requests come in the long run; nil is no limit.
  public var rate: RequestRate?

  /// How many may come at once after a pause. 0 is as many as `rate` lets through in a second, and
  /// at least one.
  ///
  /// 0 … 100,000. nginx: `burst` with `nodelay`, less one. Traefik: `burst`.
  public var burst = 0

  /// How many may be under way at the same time; 0 is no limit. A WebSocket is, until it ends.
  ///
  /// 0 … 1,000,000. nginx: `limit_conn`. Traefik: `InFlightReq`.
  public var inFlight = 0

  public init() {}
}

/// So many requests in a second, minute or hour.
public struct RequestRate: Equatable, Sendable {
  public enum Unit: String, CaseIterable, Equatable, Sendable {
    case second = "s"
    case minute = "m"
    case hour = "h"

    public var seconds: Int {
      switch self {
      case .second: 1
      case .minute: 60
      case .hour: 3600
      }
    }
  }

  /// 1 … 1,000,000
  public var requests: Int
  public var unit: Unit

  public init(_ requests: Int, per unit: Unit) {
    self.requests = requests
    self.unit = unit
  }
}

extension RequestLimit {
  static let declaration = Declaration(blank: RequestLimit()) {
    Key(
      "key", \.key, .hashKey, synonyms: ["by", "source", "criterion", "zone"],
      "Whose requests are counted together: address, header:NAME or cookie:NAME.")
    Key(
      "rate", \.rate, Codec<RequestRate>.rate.optional,
      synonyms: ["average", "requests", "limit_req"],
      "How many requests come in the long run, as 10/s, 100/m or 1000/h; more are answered 429.")
    Key(
      "burst", \.burst, .integer(0...100_000),
      "How many may come at once after a pause. 0 is as many as rate lets through in a second.")
    Key(
      "in_flight", \.inFlight, .integer(0...1_000_000),
      synonyms: ["amount", "concurrency", "connections", "limit_conn"],
      "How many may be under way at the same time; more are answered 429. 0 is no limit.")
  }
}

extension Codec where Value == RequestRate {
  /// `10/s`
  static var rate: Codec {
    Codec(
      .text(
        noun: "a rate of requests", pattern: "^[1-9][0-9]{0,6}/(s|m|h)$",
        examples: ["10/s", "100/m", "1000/h"]),
      parse: { text throws(Complaint) in
        let example = "write a rate like 10/s, 100/m or 1000/h"
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].allSatisfy({ ("0"..."9").contains($0) }),
          let requests = Int(parts[0]), let unit = RequestRate.Unit(rawValue: String(parts[1]))
        else { throw Complaint("is not a rate", [example]) }
        guard (1...1_000_000).contains(requests) else {
          throw Complaint("is out of range", ["write 1 to 1000000 requests"])
        }
        return RequestRate(requests, per: unit)
      }, write: { .string("\($0.requests)/\($0.unit.rawValue)") })
  }
}
