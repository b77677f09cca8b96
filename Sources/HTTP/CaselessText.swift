/// Text that is compared without regard to case, as names of fields are (RFC 9110 §5.1).
public enum CaselessText {
  /// - Parameter lower: in lower case.
  public static func isSame(_ lower: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
    guard lower.count == text.count else { return false }
    for i in lower.indices where ASCII.lowercased(text[i]) != lower[i] { return false }
    return true
  }
}
