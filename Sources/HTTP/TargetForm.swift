/// How a target is written (RFC 9112 §3.2). The authority form is for CONNECT alone, which
/// is refused.
public enum TargetForm: UInt8, Sendable {
  case origin, absolute, asterisk
}
