/// Who answers a request that waits for `100 Continue` before it sends its body
/// (RFC 9110 §10.1.1).
public enum ExpectContinue: String, CaseIterable, Equatable, Sendable {
  /// Martlet does, at once, and the server never sees the expectation. nginx does this.
  case answer
  /// The server does; Martlet relays the expectation and the answer. HAProxy does this.
  case relay
}
