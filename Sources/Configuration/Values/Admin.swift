/// The listener for operators: probes, metrics, the state of servers, and orders.
///
/// It has an address of its own, so that it can neither be reached by clients nor hide a path
/// of the application.
public struct Admin: Equatable, Sendable {
  /// At least one.
  public var listen: [Listen]

  /// Who has it may change something; without one, who reaches a loopback listener.
  ///
  /// 16 to 1000 characters that a bearer token may have (RFC 6750 §2.1).
  public var token: String?

  public init(listen: [Listen] = []) {
    self.listen = listen
  }
}

extension Admin {
  static let declaration = Declaration(blank: Admin()) {
    Key(
      "listen", \.listen, .listeners, isRequired: true, synonyms: ["bind", "port", "address"],
      "Where probes and metrics are answered.")
    Key(
      "token", \.token, .bearerToken, synonyms: ["password", "secret", "api_key"],
      "What a change asks for (Authorization: Bearer); without it only a loopback listener takes them."
    )
  }

  /// The addresses alone stand for the whole.
  static let codec = declaration.codec().short(
    Codec<[Listen]>.listeners.map({ Admin(listen: $0) }, { $0.listen }))
}

extension Codec where Value == String? {
  fileprivate static var bearerToken: Codec {
    Codec<String>.text("a token") { text throws(Complaint) in
      guard (16...1000).contains(text.utf8.count) else {
        throw Complaint("is not a token", ["a token has 16 to 1000 characters"])
      }
      let isToken = text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || "-._~+/=".utf8.contains(byte)
      }
      guard isToken else {
        throw Complaint(
          "has a character that no bearer token has", ["write letters, digits and -._~+/="])
      }
    }.optional
  }
}
