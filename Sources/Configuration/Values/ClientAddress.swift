/// How the client's address is found behind trusted proxies.
public struct ClientAddress: Equatable, Sendable {
  /// In which the proxies write whose request they bring. nginx: `real_ip_header`.
  public var header = "X-Forwarded-For"

  /// The last address of the header that is no trusted proxy's is the client's; otherwise the
  /// last one is, whosever it is.
  ///
  /// nginx: `real_ip_recursive`.
  public var isRecursive = true

  public init() {}
}

extension ClientAddress {
  static let declaration = Declaration(blank: ClientAddress()) {
    Key(
      "header", \.header, .fieldName, synonyms: ["real_ip_header"],
      "The header in which trusted proxies write whose request they bring.")
    Key(
      "recursive", \.isRecursive, .boolean, synonyms: ["real_ip_recursive"],
      "The last address in it that is no trusted proxy's counts; otherwise the last one of all.")
  }
}
