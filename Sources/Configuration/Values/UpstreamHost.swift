/// The Host that a pool's servers see.
public enum UpstreamHost: Equatable, Sendable {
  /// The client's, as it was sent.
  case preserve
  /// The server's own endpoint, as the configuration writes it.
  case server
  case literal(String)
}
