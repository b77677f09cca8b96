private import COpenSSL
private import Network

/// A certificate that has signed itself, for development: whoever is told to trust it can.
public struct SelfSigned: Sendable {
  /// In PEM.
  public let certificate: String
  public let key: String

  /// - Parameters:
  ///   - hosts: names, `*.` before them or not, and addresses; at least one.
  ///   - days: how long it is good, from now on.
  public init(hosts: [String], days: Int) throws(CertificateFault) {
    ERR_clear_error()
    guard let key = unsafe copenssl_new_key() else { throw .refused(OpenSSLError.text()) }
    defer { unsafe EVP_PKEY_free(key) }
    guard let certificate = unsafe X509_new() else { throw .refused(OpenSSLError.text()) }
    defer { unsafe X509_free(certificate) }
    guard unsafe Self.fill(certificate, key, hosts, days),
      unsafe X509_sign(certificate, key, EVP_sha256()) > 0
    else { throw .refused(OpenSSLError.text()) }
    self.certificate = unsafe try Self.text { unsafe PEM_write_bio_X509($0, certificate) }
    self.key = unsafe try Self.text {
      unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil)
    }
  }

  private static func fill(
    _ certificate: OpaquePointer, _ key: OpaquePointer, _ hosts: [String], _ days: Int
  ) -> Bool {
    let names = hosts.map { IPAddress($0) == nil ? "DNS:\($0)" : "IP:\($0)" }
    let name = unsafe X509_get_subject_name(certificate)
    // 159 bits that nobody has seen before: browsers refuse a number that comes again.
    guard unsafe X509_set_version(certificate, 2) == 1,
      unsafe BN_to_ASN1_INTEGER(serial(), X509_get_serialNumber(certificate)) != nil,
      // An hour ago, for clocks differ.
      unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil,
      unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400) != nil,
      unsafe X509_set_pubkey(certificate, key) == 1,
      unsafe X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, "Martlet development", -1, -1, 0) == 1,
      unsafe X509_set_issuer_name(certificate, name) == 1
    else { return false }
    // It signs no other certificate, so that whoever has its key can be no one else.
    let extensions = [
      (NID_subject_alt_name, names.joined(separator: ",")),
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
      (NID_ext_key_usage, "serverAuth"),
    ]
    return extensions.allSatisfy { unsafe add($0.0, $0.1, to: certificate) }
  }

  private static func serial() -> OpaquePointer? {
    let number = unsafe BN_new()
    _ = unsafe BN_rand(number, 159, 0, 0)
    return unsafe number
  }

  private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
    guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
    defer { unsafe X509_EXTENSION_free(made) }
    return unsafe X509_add_ext(certificate, made, -1) == 1
  }

  private static func text(_ write: (OpaquePointer?) -> Int32) throws(CertificateFault) -> String {
    let bio = unsafe BIO_new(BIO_s_mem())
    defer { unsafe BIO_free(bio) }
    guard unsafe write(bio) == 1 else { throw .refused(OpenSSLError.text()) }
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe copenssl_pem_bytes(bio, &start)
    // So many bytes are there while the BIO is.
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
