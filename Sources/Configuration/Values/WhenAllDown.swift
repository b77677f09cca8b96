/// What becomes of requests while health checks have taken every server of a pool down.
public enum WhenAllDown: Equatable, Sendable {
  /// They are refused: 503.
  case fail
  /// They are sent all the same, as if all servers were up, but to none that is drained: where the
  /// check itself may be what is broken. Envoy: a panic threshold above 0 % does this sooner.
  case `try`
}

extension WhenAllDown {
  static let codec = Codec<WhenAllDown>.words(
    "what to do while all servers are down", ["fail": .fail, "try": .try])
}
