/// The listener that answers probes and metrics: `/livez`, `/readyz`, `/metrics`.
///
/// It has an address of its own, so that it can neither be reached by clients nor hide a path
/// of the application.
public struct Admin: Equatable, Sendable {
  /// At least one.
  public var listen: [Listen]

  public init(listen: [Listen] = []) {
    self.listen = listen
  }
}
