import Configuration
import Network

/// What holds at one entry of `listen`, beside what TLS is made with.
struct ListenerRules: Sendable {
  /// Whose connections begin with a header of the PROXY protocol; nobody's where it is off.
  let senders: [AddressBlock]
  /// Where requests in plain HTTP are sent; nil where they are served.
  let redirect: ListenRedirect?
  /// Clients are asked for a certificate: who they are is found out here.
  let asksForCertificates: Bool

  init(_ listen: Listen, trusted: [AddressBlock]) {
    senders = listen.proxyProtocol.map { $0.senders ?? trusted } ?? []
    redirect = listen.redirect
    asksForCertificates = listen.tls?.clients != nil
  }

  /// Whether a connection from there begins with such a header.
  func expectsHeader(from address: IPAddress) -> Bool {
    for block in senders where block.contains(address) { return true }
    return false
  }
}
