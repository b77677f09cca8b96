import COpenSSL
import Glibc
import Testing

@testable import CLibraries

/// What a client that offers HTTP/1.1 makes of a server's choice; nil when hands are shaken.
private func problem(
  offering: [String], choosing choose: SSL_CTX_alpn_select_cb_func?
) throws -> String? {
  let made = try SelfSigned(hosts: ["site.test"], days: 1)
  let identity = try TLSIdentity(certificate: made.certificate, key: made.key)
  let server = try TLSContext(identities: [identity], tickets: TicketKeys())
  let client = try TLSContext(trusting: made.certificate, protocols: offering)
  if let choose = unsafe choose {
    unsafe SSL_CTX_set_alpn_select_cb(server.handle.pointer, choose, nil)
  }
  var sockets: [Int32] = [0, 0]
  let type: Int32 = 1 | 0o4000  // SOCK_STREAM | SOCK_NONBLOCK
  #expect(unsafe socketpair(AF_UNIX, type, 0, &sockets) == 0)
  defer { for socket in sockets { close(socket) } }
  let ours = TLSSession.connecting(
    sockets[0], client, to: "site.test", isAddress: false, ticket: nil)
  let theirs = TLSSession.accepting(sockets[1], server)
  for _ in 0..<10 {
    switch ours.shakeHands() {
    case .done: return nil
    case .failed, .ended: return ours.problem
    case .wantsRead, .wantsWrite: _ = theirs.shakeHands()
    }
  }
  return "no end"
}

@Test func `a server may choose what is spoken, or nothing`() throws {
  #expect(try problem(offering: ["http/1.1"], choosing: nil) == nil)
  #expect(try problem(offering: [], choosing: nil) == nil)
  let silent = try unsafe problem(offering: ["http/1.1"]) { _, _, _, _, _, _ in SSL_TLSEXT_ERR_NOACK
  }
  #expect(silent == nil)
}

@Test func `a server that chooses what is not spoken here is left`() throws {
  let foreign = try unsafe problem(offering: ["http/1.1"]) { _, chosen, count, _, _, _ in
    let name: StaticString = "h2"
    unsafe chosen?.pointee = name.utf8Start
    unsafe count?.pointee = 2
    return SSL_TLSEXT_ERR_OK
  }
  #expect(foreign == "handshake failed: bad extension")
  let refused = try problem(offering: ["h2"], choosing: nil)
  #expect(refused == "handshake failed: none of the protocols that are offered is spoken")
}
