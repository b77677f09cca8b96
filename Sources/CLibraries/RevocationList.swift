internal import COpenSSL

/// Why a file is of no use as a list of revoked certificates. Lists are counted from 1.
public enum RevocationFault: Error, Equatable, Sendable {
  /// Nothing in it is a list in PEM form.
  case noList
  case malformed(Int)
  /// It says only what has changed since another one (RFC 5280 §5.2.4), which is not looked at:
  /// what it has revoked would be let in.
  case delta(Int)
  /// It is told to be of this authority, who has not signed it.
  case notSigned(Int, String)
}

/// What lists do not tell of an authority, by its name. Whom it has signed is then refused.
public enum RevocationGap: Equatable, Sendable {
  case missing(String)
  case expired(String, CertificateTime)
  case notYetValid(String, CertificateTime)
  /// There is a list, and no certificate of the authority to check it by: it counts for chains
  /// that bring the certificate along.
  case stranger(String)
}

/// What authorities have revoked of the certificates that they have signed (CRLs, RFC 5280 §5).
/// Each certificate of a chain is then looked up, so that each authority of it needs a list that
/// is good at the time.
///
/// nginx: `ssl_crl`. HAProxy: `crl-file`.
@safe public final class RevocationList: Sendable {
  /// One list: an owned reference. libcrypto changes nothing of it but the order of what is in it,
  /// which it sees to under a lock of its own.
  @safe private final class Owned: @unchecked Sendable {
    let pointer: OpaquePointer
    let validFrom: CertificateTime
    /// Nil for ever.
    let validUntil: CertificateTime?

    init(_ pointer: OpaquePointer) {
      unsafe self.pointer = unsafe pointer
      validFrom = unsafe TLSIdentity.time(X509_CRL_get0_lastUpdate(pointer))
      let end = unsafe X509_CRL_get0_nextUpdate(pointer)
      validUntil = unsafe end == nil ? nil : TLSIdentity.time(end)
    }

    deinit { unsafe X509_CRL_free(pointer) }

    func isGood(at now: CertificateTime) -> Bool {
      validFrom <= now && validUntil.map { now < $0 } != false
    }
  }

  /// Somebody who has signed lists, or should have.
  private struct Issuer: Sendable {
    let name: String
    let isStranger: Bool
    /// Of several the newest good one counts.
    var lists: [Owned]

    /// When the last of its lists ends.
    var validUntil: CertificateTime? {
      lists.contains { $0.validUntil == nil } ? nil : lists.compactMap(\.validUntil).max()
    }
  }

  /// SHA-256 of what it was made from.
  public let digest: [UInt8]
  /// When the first authority has no good list any more; nil for never.
  public let validUntil: CertificateTime?
  private let lists: [Owned]
  private let issuers: [Issuer]

  /// - Parameters:
  ///   - pem: one list or several, by one authority or several.
  ///   - authorities: PEM: who should have signed them.
  public init(_ pem: String, authorities: String) throws(RevocationFault) {
    lists = try Self.read(pem)
    // Of authorities that cannot be read others complain.
    let certificates = unsafe (try? TLSIdentity.readChain(authorities)) ?? []
    defer { unsafe TLSIdentity.free(certificates) }
    issuers = unsafe try Self.assign(lists, to: certificates)
    validUntil = issuers.compactMap(\.validUntil).min()
    digest = Self.digest(of: pem)
  }

  /// What is missed at a moment.
  public func gaps(at now: CertificateTime) -> [RevocationGap] {
    var gaps: [RevocationGap] = []
    for issuer in issuers {
      if issuer.isStranger { gaps.append(.stranger(issuer.name)) }
      guard let newest = issuer.lists.max(by: { $0.validFrom < $1.validFrom }) else {
        gaps.append(.missing(issuer.name))
        continue
      }
      guard !issuer.lists.contains(where: { $0.isGood(at: now) }) else { continue }
      if let end = newest.validUntil, now >= end {
        gaps.append(.expired(issuer.name, end))
      } else {
        gaps.append(.notYetValid(issuer.name, newest.validFrom))
      }
    }
    return gaps
  }

  /// Has each certificate of a chain looked up, as nginx and HAProxy do. The context keeps
  /// references of its own.
  func install(in context: OpaquePointer) {
    let store = unsafe SSL_CTX_get_cert_store(context)
    for list in lists { _ = unsafe X509_STORE_add_crl(store, list.pointer) }
    _ = unsafe X509_STORE_set_flags(
      store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
  }

  // MARK: Reading

  private static func read(_ pem: String) throws(RevocationFault) -> [Owned] {
    ERR_clear_error()
    var lists: [Owned] = []
    let isWhole = unsafe TLSIdentity.withMemory(of: pem) { bio in
      while let next = unsafe PEM_read_bio_X509_CRL(bio, nil, nil, nil) {
        unsafe lists.append(Owned(next))
      }
      // Reading ends where no more begins; anything else is a list that cannot be read.
      return copenssl_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
    }
    if !isWhole { throw .malformed(lists.count + 1) }
    if lists.isEmpty { throw .noList }
    for (number, list) in lists.enumerated()
    where unsafe X509_CRL_get_ext_by_NID(list.pointer, NID_delta_crl, -1) >= 0 {
      throw .delta(number + 1)
    }
    return lists
  }

  /// Finds out whose lists they are.
  private static func assign(
    _ lists: [Owned], to authorities: [OpaquePointer]
  ) throws(RevocationFault) -> [Issuer] {
    var issuers = unsafe authorities.map { authority in
      Issuer(
        name: unsafe name(X509_get_subject_name(authority)), isStranger: false, lists: [])
    }
    var strangers: [Issuer] = []
    for (number, list) in lists.enumerated() {
      let name = unsafe name(X509_CRL_get_issuer(list.pointer))
      let named = unsafe authorities.indices.filter { i in
        unsafe copenssl_is_of(list.pointer, authorities[i]) == 1
      }
      let signers = named.filter { i in
        unsafe X509_CRL_verify(list.pointer, X509_get0_pubkey(authorities[i])) == 1
      }
      for i in signers { issuers[i].lists.append(list) }
      if named.isEmpty {
        if let i = strangers.firstIndex(where: { $0.name == name }) {
          strangers[i].lists.append(list)
        } else {
          strangers.append(Issuer(name: name, isStranger: true, lists: [list]))
        }
      } else if signers.isEmpty {
        throw .notSigned(number + 1, name)
      }
    }
    return issuers + strangers
  }

  private static func name(_ name: OpaquePointer?) -> String {
    unsafe TLSSession.text(of: name) ?? "somebody with a long name"
  }

  private static func digest(of text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    // 32 bytes, as SHA-256 has it.
    _ = unsafe SHA256(bytes, bytes.count, &digest)
    return digest
  }
}
