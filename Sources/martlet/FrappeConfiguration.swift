import CLibraries
import Network
import Reactor

/// What `martlet frappe` serves: frappe.yaml, filled in from the variables that frappe_docker's
/// frontend container has for its nginx.
struct FrappeConfiguration {
  /// What the image fixes, and the command line may move.
  struct Places {
    var listen: String
    var sites: String
    var admin: String?
  }

  /// A variable whose value cannot be served.
  struct Mistake: Error, CustomStringConvertible {
    let variable: String
    let value: String
    /// What is wrong with it, and what would be right.
    let problem: String

    var description: String { "\(variable): \"\(value)\" \(problem)" }
  }

  /// A configuration with every value in its place.
  let text: String

  /// - Parameter environment: as the container has it; what is not set or empty has the value
  ///   that the image's entrypoint gives it.
  init(environment: [String: String], places: Places) throws(Mistake) {
    let variables = Variables(environment: environment)
    let site = try variables.site()
    let values: [(name: String, value: String)] = [
      ("SITES", places.sites),
      ("BACKEND", try variables.servers("BACKEND", "0.0.0.0:8000")),
      ("SOCKETIO", try variables.servers("SOCKETIO", "0.0.0.0:9000")),
      ("FRAPPE_SITE_NAME_HEADER", site),
      ("PROXY_READ_TIMEOUT", variables.readTimeout()),
      ("CLIENT_MAX_BODY_SIZE", variables["CLIENT_MAX_BODY_SIZE", "50m"]),
    ]
    var text = String(decoding: PackageResources.frappe_yaml, as: UTF8.self)
    let proxy = try variables.trustedProxy()
    let header = variables.addressHeader
    let isRecursive = try variables.isRecursive()
    for (name, lines) in [
      ("LISTEN", Self.listenLines(places.listen, behind: header == nil ? proxy : nil)),
      ("ADMIN", Self.adminLine(places.admin)),
      ("CLIENT_ADDRESS", Self.addressLines(proxy, header, isRecursive: isRecursive)),
    ] {
      text = Self.replace("${\(name)}", by: lines, in: text)
    }
    for (name, value) in values {
      text = Self.replace("\"${\(name)}\"", by: Self.quoted(value), in: text)
      text = Self.replace("${\(name)}", by: value, in: text)
    }
    self.text = text
  }

  /// - Parameter proxy: who says in front of each connection whose it is, if anybody does.
  private static func listenLines(_ addresses: String, behind proxy: String?) -> String {
    guard let proxy else { return "listen: \(quoted(addresses))" }
    let entries = addresses.split(separator: ",").map { address in
      """

        - address: \(quoted(String(address.filter { $0 != " " })))
          proxy_protocol: {from: [\(quoted(proxy))]}  # UPSTREAM_REAL_IP_ADDRESS
      """
    }
    return "listen:" + entries.joined()
  }

  /// - Parameter header: nil where it stands in front of the connection.
  private static func addressLines(
    _ proxy: String, _ header: String?, isRecursive: Bool
  ) -> String {
    guard let header else {
      return """
        # Whose connection it is the PROXY protocol says; no header is believed for that.
        trusted_proxies: []
        """
    }
    return """
      # Whose word counts about the client's address, and in which header it stands.
      trusted_proxies: [\(quoted(proxy))]  # UPSTREAM_REAL_IP_ADDRESS
      client_address:
        header: \(quoted(header))  # UPSTREAM_REAL_IP_HEADER
        recursive: \(isRecursive)  # UPSTREAM_REAL_IP_RECURSIVE
      """
  }

  private static func adminLine(_ address: String?) -> String {
    let line = "admin: \(quoted(address ?? "127.0.0.1:8081"))"
    return "# Probes and metrics: /livez, /readyz, /metrics.\n"
      + (address == nil ? "# \(line)" : line)
  }

  /// In double quotes; nothing in it is a variable of the file's. Several values, of a list, have
  /// a line feed between them.
  private static func quoted(_ value: String) -> String {
    let items = value.split(separator: "\n", omittingEmptySubsequences: false).map { item in
      let escaped = item.map { "\\\"".contains($0) ? "\\\($0)" : "\($0)" }.joined()
      return "\"\(replace("${", by: "$${", in: escaped))\""
    }
    return items.joined(separator: ", ")
  }

  private static func replace(_ part: String, by other: String, in text: String) -> String {
    var result = ""
    var rest = text[...]
    while let range = rest.firstRange(of: part) {
      result += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}

/// The eight variables of the image's entrypoint, in nginx's syntax.
private struct Variables {
  typealias Mistake = FrappeConfiguration.Mistake

  let environment: [String: String]

  subscript(name: String, standard: String) -> String {
    let value = environment[name, default: ""]
    return value.isEmpty ? standard : value
  }

  /// `host:port`, of which there may be several here; nginx takes port 80 where none is said.
  func servers(_ name: String, _ standard: String) throws(Mistake) -> String {
    let value = self[name, standard]
    var servers: [String] = []
    for part in value.split(separator: ",") {
      var text = part.drop { $0 == " " }
      while text.last == " " { text.removeLast() }
      guard !text.isEmpty else { continue }
      do throws(AddressError) {
        servers.append("\(try Endpoint(String(text), defaultPort: 80))")
      } catch {
        throw Mistake(
          variable: name, value: value, problem: "is no host and port; write backend:8000")
      }
    }
    guard !servers.isEmpty else {
      throw Mistake(variable: name, value: value, problem: "names no server; write backend:8000")
    }
    return servers.joined(separator: ",")
  }

  /// nginx: `$host`, or a name.
  func site() throws(Mistake) -> String {
    let name = "FRAPPE_SITE_NAME_HEADER"
    let value = self[name, "$host"]
    if value == "$host" || value == "${host}" { return "{host}" }
    guard !value.contains(where: { "$/{} ".contains($0) }) else {
      throw Mistake(
        variable: name, value: value, problem: "is neither $host nor the name of a site")
    }
    return value
  }

  /// nginx: `set_real_ip_from`, a name being asked for once, at the start.
  func trustedProxy() throws(Mistake) -> String {
    let name = "UPSTREAM_REAL_IP_ADDRESS"
    let value = self[name, "127.0.0.1"]
    if (try? AddressBlock(value)) != nil { return value }
    guard let answer = try? Resolver().resolve(value, timeout: .seconds(5)) else {
      throw Mistake(
        variable: name, value: value,
        problem: "is no address or block, and no name that can be resolved; write 10.0.0.0/8")
    }
    return answer.addresses.map(\.description).joined(separator: "\n")
  }

  /// nginx: `real_ip_header`; nil for its word `proxy_protocol`. nginx takes no notice of that
  /// word unless `listen` has it, too, which the image's template leaves to whoever changes it.
  var addressHeader: String? {
    let value = self["UPSTREAM_REAL_IP_HEADER", "X-Forwarded-For"]
    return value == "proxy_protocol" ? nil : value
  }

  /// nginx: `real_ip_recursive`.
  func isRecursive() throws(Mistake) -> Bool {
    let name = "UPSTREAM_REAL_IP_RECURSIVE"
    switch self[name, "off"] {
    case "on": return true
    case "off": return false
    case let other: throw Mistake(variable: name, value: other, problem: "is neither on nor off")
    }
  }

  /// nginx counts seconds where no unit is said, and lets blanks stand between units.
  func readTimeout() -> String {
    let value = self["PROXY_READ_TIMEOUT", "120"].filter { $0 != " " }
    return value.last?.isNumber == true ? "\(value)s" : value
  }
}
