/// An answer that the configuration itself holds.
public struct RespondSettings: Equatable, Sendable {
  /// 200 … 599.
  public var status = 200
  /// Up to 64 KiB; must be empty for 204 and 304.
  public var body = ""
  public var contentType = "text/plain; charset=utf-8"

  public init() {}
}
