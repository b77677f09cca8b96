/// The client is sent elsewhere.
public struct RedirectSettings: Equatable, Sendable {
  /// What Location says: a path, or an absolute `http://` or `https://` URL. The query of the
  /// request is appended unless `to` has one.
  public var to: String

  /// 301, 302, 303, 307 or 308.
  public var status = 302

  public init(to: String, status: Int = 302) {
    self.to = to
    self.status = status
  }
}
