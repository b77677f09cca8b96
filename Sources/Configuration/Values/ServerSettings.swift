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

  /// What logs and metrics call it; the endpoint unless told. Unique in its pool.
  public var name: String

  public init(_ endpoint: Endpoint, weight: Int = 1, name: String? = nil) {
    self.endpoint = endpoint
    self.weight = weight
    self.name = name ?? endpoint.description
  }
}
