/// The Host that a pool's servers see.
public enum UpstreamHost: Equatable, Sendable {
  /// The client's, as it was sent.
  case preserve
  /// The server's own endpoint, as the configuration writes it.
  case server
  case literal(String)
}

extension Codec where Value == UpstreamHost {
  static var upstreamHost: Codec {
    Codec(
      .anyOf([.words(["preserve", "server"]), Codec<String>.hostText.shape]),
      parse: { text throws(Complaint) in
        switch text {
        case "preserve": return .preserve
        case "server": return .server
        default:
          try HTTPText.checkHost(text)
          return .literal(text)
        }
      },
      write: { host in
        switch host {
        case .preserve: .string("preserve")
        case .server: .string("server")
        case .literal(let text): .string(text)
        }
      })
  }
}
