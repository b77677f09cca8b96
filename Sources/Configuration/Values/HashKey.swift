/// What of a request tells one client from another.
public enum HashKey: Hashable, Sendable {
  /// The value of this cookie (names are case-sensitive, RFC 6265 §4.1.1).
  case cookie(String)
  /// The value of this header field (names are not case-sensitive; kept as written).
  case header(String)
  /// The client's address.
  case address
}

extension HashKey: CustomStringConvertible {
  /// As the configuration writes it: `cookie:sid`.
  public var description: String {
    switch self {
    case .cookie(let name): "cookie:\(name)"
    case .header(let name): "header:\(name)"
    case .address: "address"
    }
  }
}

extension Codec where Value == HashKey {
  static var hashKey: Codec {
    Codec(
      .text(
        noun: "a key to hash", pattern: "^(address|(cookie|header):.+)$",
        examples: ["cookie:sid", "header:Authorization", "address"]),
      parse: { text throws(Complaint) in
        if text == "address" { return .address }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let kinds = ["cookie:NAME", "header:NAME", "address"]
        let name = parts.count == 2 ? String(parts[1]) : ""
        switch parts.first {
        case "cookie", "header":
          guard HTTPText.isToken(name) else {
            throw Complaint("names no \(parts[0])", ["for example \(parts[0]):sid"])
          }
          return parts[0] == "cookie" ? .cookie(name) : .header(name)
        default:
          let synonyms = [
            "ip": "address", "source": "address", "client_ip": "address", "addr": "address",
            "src": "address", "remote_addr": "address",
          ]
          throw Complaint(
            "is not a key to hash",
            Suggestion.advice(for: text, among: kinds, synonyms: synonyms))
        }
      }, write: { .string($0.description) })
  }
}

extension Codec where Value == [HashKey] {
  /// The first key that a request has decides.
  static var hashKeys: Codec { .list(of: .hashKey) }
}
