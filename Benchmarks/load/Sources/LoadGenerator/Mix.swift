public import HTTP

/// What users ask for.
public struct Mix: Sendable {
  public var kinds: [Kind]
  public var sockets: SocketPlan?

  public init(kinds: [Kind], sockets: SocketPlan? = nil) {
    precondition(!kinds.isEmpty)
    self.kinds = kinds
    self.sockets = sockets
  }

  /// One kind of request, counted on its own.
  public struct Kind: Sendable {
    public let name: String
    /// How often it is asked, beside the others' weights.
    public let weight: Double
    /// One of these is sent, each as often as the others.
    public var requests: [Request]
    /// Clients have what they ask for, and ask whether it has changed: 304 is right.
    public let revalidates: Bool
    /// An answer must come compressed.
    public let isCompressed: Bool

    public init(
      name: String, weight: Double = 1, requests: [Request], revalidates: Bool = false,
      isCompressed: Bool = false
    ) {
      precondition(!requests.isEmpty && weight > 0)
      self.name = name
      self.weight = weight
      self.requests = requests
      self.revalidates = revalidates
      self.isCompressed = isCompressed
    }

    var status: UInt16 { revalidates ? 304 : 200 }
  }

  /// Clients of Socket.IO who stay through the run, over WebSocket.
  public struct SocketPlan: Sendable {
    public let count: Int
    public let handshake: Request

    public init(count: Int, handshake: Request) {
      self.count = count
      self.handshake = handshake
    }
  }
}

/// A request as its bytes, made once and sent many times.
public struct Request: Sendable {
  public let method: HTTP.Method
  public let target: String
  /// Name and value.
  public let fields: [(String, String)]
  public let body: [UInt8]
  public let bytes: [UInt8]

  public init(
    _ method: HTTP.Method = .get, _ target: String, fields: [(String, String)] = [],
    body: [UInt8] = []
  ) {
    self.method = method
    self.target = target
    self.fields = fields
    self.body = body
    var head = "\(method == .post ? "POST" : "GET") \(target) HTTP/1.1\r\n"
    if !fields.contains(where: { $0.0.lowercased() == "host" }) { head += "Host: localhost\r\n" }
    for (name, value) in fields { head += "\(name): \(value)\r\n" }
    if method == .post { head += "Content-Length: \(body.count)\r\n" }
    bytes = Array((head + "\r\n").utf8) + body
  }

  /// The same from who has an answer already (RFC 9110 §13.1).
  func revalidating(_ validators: [(String, String)]) -> Request {
    Request(method, target, fields: fields + validators, body: body)
  }
}

/// Which kind of request comes next: by weight and chance, the same for the same seed.
struct Choice {
  private let ends: [Double]
  private let counts: [UInt64]
  private var random: RandomSource

  init(_ kinds: [Mix.Kind], seed: UInt64) {
    var sum = 0.0
    ends = kinds.map {
      sum += $0.weight
      return sum
    }
    counts = kinds.map { UInt64($0.requests.count) }
    random = RandomSource(seed: seed)
  }

  /// The numbers of the kind and of one of its requests.
  mutating func next() -> (kind: Int, request: Int) {
    let point = random.unit() * ends[ends.count - 1]
    var kind = 0
    while kind < ends.count - 1, point > ends[kind] { kind += 1 }
    return (kind, Int(random.next() % counts[kind]))
  }
}
