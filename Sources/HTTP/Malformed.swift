/// A message that cannot be read; from a server it means 502 (RFC 9110 §15.6.3).
public struct Malformed: Error, Equatable, Sendable {
  public let reason: Fault
  /// Offset of the byte that shows it, or of the value at fault.
  public let at: Int

  public init(_ reason: Fault, at: Int) {
    self.reason = reason
    self.at = at
  }
}
