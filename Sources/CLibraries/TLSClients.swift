private import COpenSSL
private import Glibc

/// Which clients are let in.
public struct TLSClients: Sendable {
  /// PEM: whose signature is believed.
  let authorities: String
  /// False lets in who shows no certificate, but nobody who shows a bad one.
  let isRequired: Bool
  /// Whose certificates are believed no more; nil asks for no list.
  let revoked: RevocationList?

  public init(authorities: String, isRequired: Bool, revoked: RevocationList? = nil) {
    self.authorities = authorities
    self.isRequired = isRequired
    self.revoked = revoked
  }

  /// Says which clients a context lets in; nil lets in all, and asks them for nothing.
  static func admit(
    _ clients: TLSClients?, to context: OpaquePointer
  ) throws(CertificateFault) {
    // Sessions are resumed where clients are checked alike, and nowhere else: who resumes is not
    // checked again (SSL_CTX_set_session_id_context(3)).
    var id = [UInt8](repeating: 0, count: 32)
    let text = """
      \(clients?.isRequired ?? false) \(clients?.revoked?.digest ?? []) \
      \(clients?.authorities ?? "")
      """
    let bytes = Array(text.utf8)
    // 32 bytes, as SHA-256 has it.
    _ = unsafe SHA256(bytes, bytes.count, &id)
    _ = unsafe SSL_CTX_set_session_id_context(context, id, 32)
    guard let clients else { return }
    unsafe try TLSIdentity.add(clients.authorities, to: context, asksForThem: true)
    let required = clients.isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nil)
    if let revoked = clients.revoked {
      unsafe revoked.install(in: context)
      unsafe TLSContext.attach(revoked, at: listIndex, to: context)
    }
    unsafe SSL_CTX_set_session_ticket_cb(
      context, nil,
      { ssl, session, _, _, status, _ in unsafe TLSClients.judge(ssl, session, status) }, nil)
  }

  // MARK: Who resumes

  private static let listIndex = TLSContext.newIndex()

  /// Whether a session goes on. What it was once let in by may have grown old since: then hands
  /// are shaken in full, and the certificate is checked as any other.
  private static func judge(
    _ ssl: OpaquePointer?, _ session: OpaquePointer?, _ status: Int32
  ) -> Int32 {
    guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
      let session = unsafe session
    else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    if let certificate = unsafe SSL_SESSION_get0_peer(session) {
      let list = unsafe list(of: SSL_get_SSL_CTX(ssl))
      guard unsafe copenssl_compare_time(certificate) == 0,
        Int64(time(nil)) < list?.validUntil?.seconds ?? .max
      else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
  }

  private static func list(of context: OpaquePointer?) -> RevocationList? {
    guard let attached = unsafe SSL_CTX_get_ex_data(context, listIndex) else { return nil }
    // Attached as such, and alive while the context is.
    return unsafe Unmanaged<AnyObject>.fromOpaque(attached).takeUnretainedValue()
      as? RevocationList
  }
}
