/// A request that is refused before anything is done for it; the connection ends with it,
/// for what follows cannot be told from a request.
public struct Refusal: Error, Equatable, Sendable {
  public let reason: Fault
  /// Offset of the byte that shows it, or of the value at fault.
  public let at: Int

  public init(_ reason: Fault, at: Int) {
    self.reason = reason
    self.at = at
  }

  public init(_ malformed: Malformed) {
    self.init(malformed.reason, at: malformed.at)
  }

  /// 400, 414, 417, 431, 501 or 505.
  public var status: UInt16 { reason.status }
}
