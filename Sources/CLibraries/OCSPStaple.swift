private import COpenSSL
private import Glibc

/// Why a response of OCSP is of no use to anybody.
public enum StapleFault: Error, Equatable, Sendable {
  /// It is no response in DER form.
  case malformed
  /// The responder gave none but a reason, such as `trylater` (RFC 6960 §4.2.1).
  case noAnswer(String)
  /// The certificate has no chain that would tell who may answer for it.
  case noIssuer
  /// It tells of other certificates.
  case otherCertificate
  /// The certificate's issuer has neither signed it nor let somebody sign it.
  case notSigned
  /// The certificate was revoked, or the responder does not know it.
  case revoked, unknown
  /// It says not until when it is good.
  case endless
  case expired(CertificateTime)
  case notYetValid(CertificateTime)
}

/// What a certificate's issuer says of it (RFC 6960): it has not been revoked. It is shown in
/// handshakes beside the certificate, so that no client has to ask (RFC 6066 §8).
public final class OCSPStaple: Sendable {
  public let validFrom: CertificateTime
  public let validUntil: CertificateTime
  private let response: [UInt8]

  /// What clocks may differ by, as OpenSSL and nginx have it: 5 minutes.
  private static let slack: Int64 = 300

  /// - Parameter response: DER.
  public init(_ response: [UInt8], for identity: TLSIdentity) throws(StapleFault) {
    guard let read = unsafe Self.read(response) else { throw .malformed }
    defer { unsafe OCSP_RESPONSE_free(read) }
    let status = unsafe OCSP_response_status(read)
    guard status == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
      throw .noAnswer(unsafe String(cString: OCSP_response_status_str(Int(status))))
    }
    guard let basic = unsafe OCSP_response_get1_basic(read) else { throw .malformed }
    defer { unsafe OCSP_BASICRESP_free(basic) }
    guard let issuer = unsafe identity.issuer else { throw .noIssuer }
    guard let single = unsafe copenssl_find_status(basic, identity.certificate, issuer) else {
      throw .otherCertificate
    }
    guard unsafe copenssl_is_signed(basic, issuer) == 1 else { throw .notSigned }
    var start: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    var end: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    switch unsafe OCSP_single_get0_status(single, nil, nil, &start, &end) {
    case V_OCSP_CERTSTATUS_GOOD: break
    case V_OCSP_CERTSTATUS_REVOKED: throw .revoked
    default: throw .unknown
    }
    // Who renews it in time could not know when that is.
    guard unsafe end != nil else { throw .endless }
    validFrom = unsafe TLSIdentity.time(start)
    validUntil = unsafe TLSIdentity.time(end)
    self.response = response
  }

  /// Whether it is good at a moment.
  public func check(at now: CertificateTime) throws(StapleFault) {
    if now >= validUntil { throw .expired(validUntil) }
    if now.seconds + Self.slack < validFrom.seconds { throw .notYetValid(validFrom) }
  }

  /// One response, and nothing behind it.
  private static func read(_ response: [UInt8]) -> OpaquePointer? {
    ERR_clear_error()
    return unsafe response.withUnsafeBufferPointer { bytes in
      // It reads so many bytes at most, and moves the pointer behind them.
      var place = bytes.baseAddress
      let read = unsafe d2i_OCSP_RESPONSE(nil, &place, bytes.count)
      if unsafe place == bytes.baseAddress.map({ unsafe $0 + bytes.count }) { return unsafe read }
      unsafe OCSP_RESPONSE_free(read)
      return nil
    }
  }

  // MARK: Showing it

  // It belongs to the certificate that it is of: which one of a context's is shown is known in
  // the handshake only.
  private static let index: Int32 = unsafe copenssl_new_certificate_index {
    _, attached, _, _, _, _ in
    guard let attached = unsafe attached else { return }
    unsafe Unmanaged<OCSPStaple>.fromOpaque(attached).release()
  }

  func attach(to certificate: OpaquePointer) {
    let retained = unsafe Unmanaged.passRetained(self).toOpaque()
    let status = unsafe X509_set_ex_data(certificate, Self.index, retained)
    precondition(status == 1, "out of memory")
  }

  /// Has clients of a context that ask told what there is and still good.
  static func show(in context: OpaquePointer) {
    unsafe copenssl_staple(context) { ssl, _ in unsafe OCSPStaple.answer(ssl) }
  }

  private static func answer(_ ssl: OpaquePointer?) -> Int32 {
    guard let attached = unsafe X509_get_ex_data(SSL_get_certificate(ssl), index) else {
      return SSL_TLSEXT_ERR_NOACK
    }
    // Attached as such, and alive while the certificate is.
    let staple = unsafe Unmanaged<OCSPStaple>.fromOpaque(attached).takeUnretainedValue()
    guard Int64(time(nil)) < staple.validUntil.seconds else { return SSL_TLSEXT_ERR_NOACK }
    let isGiven = unsafe staple.response.withUnsafeBufferPointer { bytes in
      // Which is copied.
      unsafe copenssl_give_staple(ssl, bytes.baseAddress, bytes.count)
    }
    return isGiven == 1 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
  }
}
