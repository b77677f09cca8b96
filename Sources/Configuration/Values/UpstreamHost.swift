/// The Host that a pool's servers see.
public enum UpstreamHost: Equatable, Sendable {
  /// The client's, as it was sent.
  case preserve
  /// The server's own endpoint, as the configuration writes it.
  case server
  /// A host, or variables that make one; the server's own endpoint where that comes out empty.
  case template(Template)
}

extension Codec where Value == UpstreamHost {
  static var upstreamHost: Codec {
    Codec(
      .anyOf([
        .words(["preserve", "server"]),
        .text(noun: "a host", examples: ["erp.example.com", "'{host}'"]),
      ]),
      parse: { text throws(Complaint) in
        switch text {
        case "preserve": return .preserve
        case "server": return .server
        default:
          let template = try Template(parsing: text)
          if template.variables.isEmpty { try HTTPText.checkHost(text) }
          return .template(template)
        }
      },
      write: { host in
        switch host {
        case .preserve: .string("preserve")
        case .server: .string("server")
        case .template(let template): .string(template.description)
        }
      })
  }
}
