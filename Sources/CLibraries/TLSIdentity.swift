internal import COpenSSL
private import Glibc

/// What is wrong with a certificate or its key.
public enum CertificateFault: Error, Equatable, Sendable {
  /// Nothing in the file is a certificate in PEM form.
  case noCertificate
  /// A certificate in the file cannot be read; the first is 1.
  case malformedCertificate(Int)
  case noKey
  case encryptedKey
  /// The key is another certificate's.
  case keyMismatch
  /// The key belongs to a certificate of the chain that is not its first.
  case wrongFirst(Int)
  /// A certificate of the chain has not signed the one before it; the first is 1.
  case wrongOrder(Int)
  case expired(CertificateTime)
  case notYetValid(CertificateTime)
  /// libssl does not take it: in its words.
  case refused(String)
}

/// A moment in a certificate: seconds since 1970.
public struct CertificateTime: Equatable, Comparable, Sendable, CustomStringConvertible {
  public let seconds: Int64

  public init(seconds: Int64) { self.seconds = seconds }

  public static func < (a: CertificateTime, b: CertificateTime) -> Bool { a.seconds < b.seconds }

  /// Whole days from `now` on; less than 0 when it is over.
  public func days(from now: CertificateTime) -> Int64 {
    let left = seconds - now.seconds
    return left >= 0 ? left / 86400 : (left - 86399) / 86400
  }

  /// The day in UTC: `2026-11-01`.
  public var description: String {
    var time = time_t(seconds)
    var parts = unsafe tm()
    guard unsafe gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (year, month) = unsafe (parts.tm_year + 1900, parts.tm_mon + 1)
    return unsafe "\(year)-\(two(month))-\(two(parts.tm_mday))"
  }
}

/// A certificate with its chain and its private key: who a server is.
@safe public final class TLSIdentity: Sendable {
  /// The owned reference, which nothing changes once it is here.
  @safe private struct Owned: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  /// The names it is good for, in lower case; `*.example.com` is any one label.
  public let names: [String]
  public let validFrom: CertificateTime
  public let validUntil: CertificateTime
  /// RSA, ECDSA, …: as libcrypto numbers kinds of keys.
  public let keyKind: Int32
  private let chain: [Owned]
  private let key: Owned

  /// - Parameters:
  ///   - certificate: PEM: the certificate, then those that have signed it, in order.
  ///   - key: its private key, in PEM, not encrypted.
  public init(certificate: String, key: String) throws(CertificateFault) {
    let chain = unsafe try Self.readChain(certificate)
    self.chain = unsafe chain.map { unsafe Owned(pointer: $0) }
    guard let first = unsafe chain.first else { throw .noCertificate }
    self.key = unsafe Owned(pointer: try Self.readKey(key, releasing: chain))
    names = unsafe Self.names(of: first)
    validFrom = unsafe Self.start(of: first)
    validUntil = unsafe Self.end(of: first)
    keyKind = unsafe EVP_PKEY_get_base_id(self.key.pointer)
    try checkOrder()
  }

  deinit {
    for certificate in chain { unsafe X509_free(certificate.pointer) }
    unsafe EVP_PKEY_free(key.pointer)
  }

  /// Whether it is good at a moment.
  public func check(at now: CertificateTime) throws(CertificateFault) {
    if now >= validUntil { throw .expired(validUntil) }
    if now < validFrom { throw .notYetValid(validFrom) }
  }

  /// Whom it is about, for as long as this lives.
  var certificate: OpaquePointer { unsafe chain[0].pointer }
  /// Who has signed it, if the chain tells.
  var issuer: OpaquePointer? { unsafe chain.dropFirst().first?.pointer }

  /// Has what its issuer says shown beside it, in contexts that are made from now on.
  public func attach(_ staple: OCSPStaple) { unsafe staple.attach(to: certificate) }

  /// Gives it to a context, which keeps references of its own.
  func install(in context: OpaquePointer) throws(CertificateFault) {
    ERR_clear_error()
    guard unsafe SSL_CTX_use_certificate(context, chain[0].pointer) == 1,
      unsafe SSL_CTX_use_PrivateKey(context, key.pointer) == 1
    else { throw .refused(OpenSSLError.text()) }
    for certificate in chain.dropFirst() {
      guard unsafe copenssl_add_chain(context, certificate.pointer) == 1 else {
        throw .refused(OpenSSLError.text())
      }
    }
  }

  // MARK: Reading

  /// Makes a context believe in authorities.
  ///
  /// - Parameter asksForThem: their names are told to clients, who so know what to show.
  static func add(
    _ authorities: String, to context: OpaquePointer, asksForThem: Bool = false
  ) throws(CertificateFault) {
    let certificates = unsafe try readChain(authorities)
    let store = unsafe SSL_CTX_get_cert_store(context)
    let count = unsafe certificates.count
    for i in 0..<count {
      _ = unsafe X509_STORE_add_cert(store, certificates[i])
      if asksForThem { _ = unsafe SSL_CTX_add_client_CA(context, certificates[i]) }
    }
    unsafe free(certificates)
  }

  /// Whether these are certificates.
  public static func check(authorities: String) throws(CertificateFault) {
    unsafe free(try readChain(authorities))
  }

  /// Whoever reads certificates frees them.
  static func readChain(_ pem: String) throws(CertificateFault) -> [OpaquePointer] {
    ERR_clear_error()
    var chain: [OpaquePointer] = unsafe []
    let isWhole = unsafe withMemory(of: pem) { bio in
      while let next = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
        unsafe chain.append(next)
      }
      // Reading ends where no more begins; anything else is a certificate that cannot be read.
      return copenssl_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
    }
    guard isWhole, unsafe !chain.isEmpty else {
      let count = unsafe chain.count
      unsafe free(chain)
      throw isWhole ? .noCertificate : .malformedCertificate(count + 1)
    }
    return unsafe chain
  }

  static func free(_ chain: [OpaquePointer]) {
    let count = unsafe chain.count
    for i in 0..<count { unsafe X509_free(chain[i]) }
  }

  private static func readKey(
    _ pem: String, releasing chain: [OpaquePointer]
  ) throws(CertificateFault) -> OpaquePointer {
    ERR_clear_error()
    var isEncrypted = false
    let key = unsafe withMemory(of: pem) { bio in
      unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
        // There is nobody to ask for a password: that one is asked for is all there is to know.
        unsafe PEM_read_bio_PrivateKey(
          bio, nil,
          { _, _, _, flag in
            unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
            return -1
          }, flag)
      }
    }
    guard let key = unsafe key else {
      // Whose init fails has no deinit.
      unsafe free(chain)
      throw isEncrypted ? .encryptedKey : .noKey
    }
    return unsafe key
  }

  static func withMemory<Result>(
    of text: String, _ body: (OpaquePointer) -> Result
  ) -> Result {
    let bytes = Array(text.utf8)
    return unsafe bytes.withUnsafeBytes { bytes in
      // It reads these bytes and no more, while they are lent.
      guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
        fatalError("out of memory")
      }
      defer { unsafe BIO_free(bio) }
      return unsafe body(bio)
    }
  }

  private func checkOrder() throws(CertificateFault) {
    if unsafe X509_check_private_key(chain[0].pointer, key.pointer) != 1 {
      for (i, other) in chain.enumerated().dropFirst()
      where unsafe X509_check_private_key(other.pointer, key.pointer) == 1 {
        throw .wrongFirst(i + 1)
      }
      throw .keyMismatch
    }
    for i in chain.indices.dropFirst()
    where unsafe X509_check_issued(chain[i].pointer, chain[i - 1].pointer) != X509_V_OK {
      throw .wrongOrder(i + 1)
    }
  }

  static func names(of certificate: OpaquePointer) -> [String] {
    guard
      let raw = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil)
    else { return [] }
    let all = OpaquePointer(raw)
    defer { unsafe GENERAL_NAMES_free(all) }
    var names: [String] = []
    let total = unsafe copenssl_names_count(all)
    for i in 0..<total {
      var count: Int32 = 0
      guard let bytes = unsafe copenssl_dns_name(all, i, &count) else { continue }
      // The library has checked that so many bytes are there.
      let text = unsafe UnsafeBufferPointer(start: bytes, count: Int(max(count, 0)))
      names.append(unsafe String(decoding: text, as: UTF8.self).lowercased())
    }
    return names
  }

  static func start(of certificate: OpaquePointer) -> CertificateTime {
    unsafe time(X509_get0_notBefore(certificate))
  }

  static func end(of certificate: OpaquePointer) -> CertificateTime {
    unsafe time(X509_get0_notAfter(certificate))
  }

  static func time(_ time: UnsafePointer<ASN1_TIME>?) -> CertificateTime {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return CertificateTime(seconds: 0) }
    return CertificateTime(seconds: Int64(unsafe timegm(&parts)))
  }
}

/// What libcrypto said last on this thread.
enum OpenSSLError {
  /// What comes next must not be taken for an earlier fault (SSL_get_error(3)). Nearly always there
  /// is none, and to find that out costs a fifth of clearing.
  static func forget() {
    if ERR_peek_error() != 0 { ERR_clear_error() }
  }

  static func text() -> String {
    let error = ERR_peek_last_error()
    ERR_clear_error()
    // libssl has no words for this one (RFC 7301 §3.2).
    if copenssl_reason(error) == SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL {
      return "none of the protocols that are offered is spoken"
    }
    guard let reason = unsafe ERR_reason_error_string(error) else { return "unknown error" }
    return unsafe String(cString: reason)
  }
}
