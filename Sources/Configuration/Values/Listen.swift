public import Network

/// One address where clients connect.
public struct Listen: Equatable, Sendable {
  /// An IP address or nothing before the port; never a name.
  ///
  /// `:8080` is all addresses, IPv6 and IPv4, and so is `[::]:8080`; port 0 lets the kernel
  /// choose one. nginx: `listen`. HAProxy: `bind`.
  public var endpoint: Endpoint

  public init(_ endpoint: Endpoint) {
    self.endpoint = endpoint
  }
}
