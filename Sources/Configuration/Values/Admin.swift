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

extension Admin {
  static let declaration = Declaration(blank: Admin()) {
    Key(
      "listen", \.listen, .listeners, isRequired: true, synonyms: ["bind", "port", "address"],
      "Where probes and metrics are answered.")
  }

  /// The addresses alone stand for the whole.
  static let codec = declaration.codec().short(
    Codec<[Listen]>.listeners.map({ Admin(listen: $0) }, { $0.listen }))
}
