private import CLibraries
private import HTTP

/// Why a text is no mix.
public struct MixError: Error, CustomStringConvertible {
  public let description: String
}

/// Reads a mix from YAML: Benchmarks/mix/mix.yaml has all that may be said.
public enum MixReader {
  public static func read(_ text: String) throws(MixError) -> Mix {
    let node: YAMLNode?
    do throws(YAMLError) { node = try YAMLParser.parse(text).root } catch {
      throw MixError(description: "\(error)")
    }
    guard let node else { throw MixError(description: "there is nothing in it") }
    let root = try Keys(node, known: ["fields", "kinds", "sockets"])
    let fields = try root.fields()
    let kinds = try root.list("kinds").map { node throws(MixError) in try kind(node, fields) }
    guard !kinds.isEmpty else { throw root.error("there are no kinds") }
    guard let sockets = root.node("sockets") else { return Mix(kinds: kinds) }
    return Mix(kinds: kinds, sockets: try socketPlan(sockets, fields))
  }

  private static func kind(
    _ node: YAMLNode, _ common: [(String, String)]
  ) throws(MixError) -> Mix.Kind {
    let keys = try Keys(
      node,
      known: [
        "name", "weight", "method", "target", "count", "fields", "body", "upload", "revalidates",
        "compressed",
      ])
    guard let name = try keys.text("name"), let target = try keys.text("target") else {
      throw keys.error("a kind has a name and a target")
    }
    let weight = try keys.number("weight") ?? 1
    guard weight > 0 else { throw keys.error("weight is more than 0") }
    let method: HTTP.Method
    switch try keys.text("method") ?? "GET" {
    case "GET": method = .get
    case "POST": method = .post
    default: throw keys.error("method is GET or POST")
    }
    let fields = common + (try keys.fields())
    var bodies: [Body] = []
    if let text = try keys.text("body") { bodies.append(Body(form: text)) }
    for size in try keys.numbers("upload") { bodies.append(Body(upload: Int(size))) }
    if bodies.isEmpty { bodies.append(Body()) }
    let count = Int(try keys.number("count") ?? 1)
    guard (1...10_000).contains(count) else { throw keys.error("count is from 1 to 10,000") }

    let requests = (1...count).flatMap { n in
      bodies.map { body in
        Request(
          method, numbered(target, n), fields: fields + body.fields, body: body.bytes)
      }
    }
    return Mix.Kind(
      name: name, weight: weight, requests: requests,
      revalidates: try keys.isTrue("revalidates"), isCompressed: try keys.isTrue("compressed"))
  }

  private static func socketPlan(
    _ node: YAMLNode, _ common: [(String, String)]
  ) throws(MixError) -> Mix.SocketPlan {
    let keys = try Keys(node, known: ["count", "target"])
    guard let target = try keys.text("target"), let count = try keys.number("count") else {
      throw keys.error("sockets have a count and a target")
    }
    return Mix.SocketPlan(
      count: Int(count), handshake: EngineClient.handshake(target, fields: common))
  }

  /// `part{n}.js` with a number in its place.
  private static func numbered(_ text: String, _ n: Int) -> String {
    let parts = text.split(separator: "{n}", omittingEmptySubsequences: false)
    return parts.joined(separator: "\(n)")
  }
}

/// What a POST brings.
private struct Body {
  var bytes: [UInt8] = []
  var fields: [(String, String)] = []

  init() {}

  init(form text: String) {
    bytes = Array(text.utf8)
    fields = [("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")]
  }

  /// A file of `count` bytes as a browser sends it (RFC 7578).
  init(upload count: Int) {
    let boundary = "----WebKitFormBoundaryq0Jf7aYs3W2pUuYt"
    let head = """
      --\(boundary)\r
      Content-Disposition: form-data; name="file"; filename="scan.pdf"\r
      Content-Type: application/pdf\r
      \r\n
      """
    var random = RandomSource(seed: UInt64(count))
    bytes = Array(head.utf8)
    bytes += (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    bytes += Array("\r\n--\(boundary)--\r\n".utf8)
    fields = [("Content-Type", "multipart/form-data; boundary=\(boundary)")]
  }
}

/// The keys of one mapping, read by name.
private struct Keys {
  private let place: YAMLNode
  private let entries: [YAMLNode.Entry]

  init(_ node: YAMLNode, known: [String]) throws(MixError) {
    place = node
    guard case .mapping(let entries) = node.content else {
      self.entries = []
      throw error("keys are expected here")
    }
    self.entries = entries
    for entry in entries where !known.contains(entry.key) {
      throw error("no such key: \(entry.key); there are \(known.joined(separator: ", "))")
    }
  }

  func error(_ what: String) -> MixError {
    let start = place.range.start
    return MixError(description: "\(start.line):\(start.column): \(what)")
  }

  func node(_ key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

  func text(_ key: String) throws(MixError) -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, _) = node.content else { throw error("\(key) is a text") }
    return text
  }

  func number(_ key: String) throws(MixError) -> Double? {
    guard let text = try text(key) else { return nil }
    guard let number = Double(text), number.isFinite, number >= 0, number < 1e9 else {
      throw error("\(key) is a number")
    }
    return number
  }

  func isTrue(_ key: String) throws(MixError) -> Bool {
    switch try text(key) ?? "false" {
    case "true": true
    case "false": false
    default: throw error("\(key) is true or false")
    }
  }

  func list(_ key: String) throws(MixError) -> [YAMLNode] {
    guard let node = node(key) else { return [] }
    guard case .sequence(let nodes) = node.content else { throw error("\(key) is a list") }
    return nodes
  }

  func numbers(_ key: String) throws(MixError) -> [Double] {
    var numbers: [Double] = []
    for node in try list(key) {
      guard case .scalar(let text, _) = node.content, let number = Double(text),
        (1...1e9).contains(number)
      else { throw error("\(key) is a list of numbers") }
      numbers.append(number)
    }
    return numbers
  }

  func fields() throws(MixError) -> [(String, String)] {
    guard let node = node("fields") else { return [] }
    guard case .mapping(let entries) = node.content else { throw error("fields are a mapping") }
    var fields: [(String, String)] = []
    for entry in entries {
      guard case .scalar(let text, _) = entry.value.content else {
        throw error("\(entry.key) is a text")
      }
      fields.append((entry.key, text))
    }
    return fields
  }
}
