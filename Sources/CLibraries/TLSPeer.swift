private import Network

/// Whom a server's certificate has to be for.
public struct TLSPeer: Equatable, Sendable {
  /// A host, which is told to the server (SNI), or an address, which is not.
  public let name: String
  public let isAddress: Bool

  public init(_ name: String) {
    // A final dot is the resolver's affair.
    self.name = name.hasSuffix(".") ? String(name.dropLast()) : name
    isAddress = IPAddress(name) != nil
  }
}
