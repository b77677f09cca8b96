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

  /// A text that the first 64 KiB of the body must contain; nil asks for none.
  public var body: String?

  /// From one check to the next.
  ///
  /// 100 ms … 1 h. HAProxy: `inter`.
  public var interval: Duration = .seconds(5)

  /// From the connect to the last byte needed; no later is a failure.
  ///
  /// 10 ms … 60 s, and no more than `interval`. HAProxy: `timeout check`.
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

  public init(path: String) {
    self.path = path
  }
}
