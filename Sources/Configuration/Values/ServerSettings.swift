public import Network

/// One server of a pool.
public struct ServerSettings: Equatable, Sendable {
  /// Address or name, and port. A name is looked up again and again; one that has several
  /// addresses is as many servers.
  public var endpoint: Endpoint

  /// Its share of the requests against the others of the pool.
  ///
  /// 1 … 1000. nginx: `weight`.
  public var weight = 1

  /// How many requests it gets at once; 0 is no limit, nil as the pool says.
  public var capacity: Int?

  /// It gets requests only while no other server of the pool can take them: all that are no
  /// backups are down, ejected, or have been tried. Affinity does not keep a client there either.
  ///
  /// nginx, HAProxy: `backup`.
  public var isBackup = false

  /// Gets no new requests; those that it has are finished, and health checks go on.
  ///
  /// nginx: `down`, `drain`. HAProxy: `drain`.
  public var isDrained = false

  /// What runs it: servers of several pools that have this in common are drained together.
  public var instance: String?

  /// What logs and metrics call it; the endpoint unless told. Unique in its pool.
  public var name: String

  public init(_ endpoint: Endpoint, weight: Int = 1, name: String? = nil) {
    self.endpoint = endpoint
    self.weight = weight
    self.name = name ?? endpoint.description
  }
}

extension ServerSettings {
  static let declaration = Declaration(
    blank: ServerSettings(Endpoint(.any, port: 0), name: "")
  ) {
    Key(
      "address", \.endpoint, .server, isRequired: true, synonyms: ["url", "host", "server"],
      "Name or address, and port.")
    Key(
      "weight", \.weight, .integer(1...1000),
      "Its share of the requests against the others of the pool.")
    Key(
      "capacity", \.capacity, Codec<Int>.integer(0...100_000).optional,
      synonyms: ["max_conns", "maxconn", "max_connections"],
      "How many requests it gets at once; 0 is no limit. Without it, as the pool says.")
    Key(
      "backup", \.isBackup, .boolean, synonyms: ["standby", "spare"],
      "It gets requests only while no server that is no backup can take them.")
    Key(
      "name", \.givenName, Codec<String>.name("a name").optional,
      "What logs and metrics call it; its address unless told.")
    Key(
      "drain", \.isDrained, .boolean, synonyms: ["down", "disabled", "draining"],
      "Gets no new requests; those that it has are finished.")
    Key(
      "instance", \.instance, Codec<String>.name("a name").optional,
      synonyms: ["container", "node"],
      "What runs it, for servers of several pools to be drained together.")
  }

  /// The endpoint alone stands for the whole.
  static let codec = declaration.codec().map(
    { settings in
      var named = settings
      if named.name.isEmpty { named.name = named.endpoint.description }
      return named
    }, { $0 }
  ).short(
    Codec<Endpoint>.server.map({ ServerSettings($0) }, { $0.endpoint }))

  /// Nil while the endpoint stands for it.
  private var givenName: String? {
    get { name.isEmpty || name == endpoint.description ? nil : name }
    set { name = newValue ?? "" }
  }
}

extension Codec where Value == Endpoint {
  fileprivate static var server: Codec {
    Codec(
      .text(
        noun: "a name and port", pattern: "^.+:[0-9]{1,5}$",
        examples: ["merged-a:8000", "10.0.0.7:8000"]),
      parse: { text throws(Complaint) in
        let endpoint = try Endpoint.read(text)
        if case .any = endpoint.host {
          throw Complaint("names no host", ["for example 127.0.0.1\(text)"])
        }
        guard endpoint.port > 0 else { throw Complaint("has port 0, which nobody answers on") }
        return endpoint
      }, write: { .string($0.description) })
  }
}

extension Codec where Value == String {
  /// What something is called in logs, metrics and other parts of the file.
  static func name(_ noun: String) -> Codec {
    .text(noun) { text throws(Complaint) in
      guard (1...100).contains(text.utf8.count) else {
        throw Complaint("is not a name", ["a name has 1 to 100 characters"])
      }
      for scalar in text.unicodeScalars where scalar < " " || scalar == "\u{7F}" {
        throw Complaint("has a control character in it")
      }
    }
  }
}
