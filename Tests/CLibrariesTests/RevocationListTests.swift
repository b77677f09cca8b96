import COpenSSL
import Testing

@testable import CLibraries

/// An authority that has signed itself.
@safe private final class Signer {
  let name: String
  private let key: OpaquePointer
  private let certificate: OpaquePointer

  init(_ name: String) {
    self.name = name
    unsafe key = unsafe copenssl_new_key()!
    unsafe certificate = unsafe X509_new()!
    let subject = unsafe X509_get_subject_name(certificate)
    _ = unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0)
    _ = unsafe X509_set_issuer_name(certificate, subject)
    _ = unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), 0)
    _ = unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), 86400)
    _ = unsafe X509_set_pubkey(certificate, key)
    _ = unsafe X509_sign(certificate, key, EVP_sha256())
  }

  deinit {
    unsafe X509_free(certificate)
    unsafe EVP_PKEY_free(key)
  }

  var pem: String { unsafe text { unsafe PEM_write_bio_X509($0, certificate) } }

  /// A list that has revoked nobody.
  ///
  /// - Parameters:
  ///   - end: nil says nothing of it.
  ///   - base: the number of the list whose changes alone are told.
  func list(from start: Int, to end: Int? = nil, base: Int? = nil) -> String {
    let list = unsafe X509_CRL_new()
    defer { unsafe X509_CRL_free(list) }
    _ = unsafe X509_CRL_set_version(list, 1)
    _ = unsafe X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate))
    let time = unsafe ASN1_TIME_new()
    defer { unsafe ASN1_STRING_free(time) }
    _ = unsafe ASN1_TIME_set(time, start)
    _ = unsafe X509_CRL_set1_lastUpdate(list, time)
    if let end {
      _ = unsafe ASN1_TIME_set(time, end)
      _ = unsafe X509_CRL_set1_nextUpdate(list, time)
    }
    if let base {
      let number = unsafe ASN1_INTEGER_new()
      defer { unsafe ASN1_STRING_free(number) }
      _ = unsafe ASN1_INTEGER_set(number, base)
      _ = unsafe X509_CRL_add1_ext_i2d(list, NID_delta_crl, number, 1, 0)
    }
    _ = unsafe X509_CRL_sign(list, key, EVP_sha256())
    return unsafe text { unsafe PEM_write_bio_X509_CRL($0, list) }
  }

  private func text(_ write: (OpaquePointer?) -> Int32) -> String {
    let bio = unsafe BIO_new(BIO_s_mem())
    defer { unsafe BIO_free(bio) }
    _ = unsafe write(bio)
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe copenssl_pem_bytes(bio, &start)
    // So many bytes are there while the BIO is.
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}

struct RevocationListTests {
  private let root = Signer("root")
  private let middle = Signer("middle")

  private func time(_ seconds: Int64) -> CertificateTime { CertificateTime(seconds: seconds) }

  private func gaps(_ lists: String..., at now: Int64) throws -> [RevocationGap] {
    let list = try RevocationList(lists.joined(), authorities: root.pem + middle.pem)
    return list.gaps(at: time(now))
  }

  @Test func `every authority needs a list`() throws {
    let (one, other) = (root.list(from: 100, to: 200), middle.list(from: 100, to: 200))
    #expect(try gaps(one, other, at: 150).isEmpty)
    #expect(try gaps(one, at: 150) == [.missing("CN=middle")])
    #expect(try gaps(other, at: 150) == [.missing("CN=root")])
  }

  @Test func `a list is good from its first second to the one before its last`() throws {
    let (one, other) = (root.list(from: 0, to: 1000), middle.list(from: 100, to: 200))
    #expect(try gaps(one, other, at: 99) == [.notYetValid("CN=middle", time(100))])
    #expect(try gaps(one, other, at: 100).isEmpty)
    #expect(try gaps(one, other, at: 199).isEmpty)
    #expect(try gaps(one, other, at: 200) == [.expired("CN=middle", time(200))])
  }

  @Test func `of several lists of an authority one has to be good`() throws {
    let one = root.list(from: 0, to: 1000)
    let (old, new) = (middle.list(from: 100, to: 200), middle.list(from: 180, to: 300))
    #expect(try gaps(one, old, new, at: 190).isEmpty)
    #expect(try gaps(new, old, one, at: 250).isEmpty)
    #expect(try gaps(one, old, new, at: 300) == [.expired("CN=middle", time(300))])
  }

  @Test func `a list that names no end never ends`() throws {
    let (one, other) = (root.list(from: 100), middle.list(from: 100))
    #expect(try gaps(one, other, at: .max).isEmpty)
    let list = try RevocationList(one + other, authorities: root.pem + middle.pem)
    #expect(list.validUntil == nil)
  }

  @Test func `the first authority without a good list ends it`() throws {
    let all = root.list(from: 0, to: 900) + middle.list(from: 0, to: 300)
    let list = try RevocationList(
      all + middle.list(from: 0, to: 500), authorities: root.pem + middle.pem)
    #expect(list.validUntil == time(500))
  }

  @Test func `a list of somebody else is told, and who has signed it last`() throws {
    let list = try RevocationList(
      root.list(from: 0, to: 900) + middle.list(from: 0, to: 300), authorities: root.pem)
    #expect(list.gaps(at: time(100)) == [.stranger("CN=middle")])
    #expect(
      list.gaps(at: time(300)) == [.stranger("CN=middle"), .expired("CN=middle", time(300))])
    #expect(list.validUntil == time(300))
  }

  @Test func `an authority that has changed its key has two lists`() throws {
    let renewed = Signer("root")
    let list = try RevocationList(
      renewed.list(from: 0, to: 900) + root.list(from: 0, to: 900),
      authorities: root.pem + renewed.pem)
    #expect(list.gaps(at: time(100)).isEmpty)
  }

  @Test func `what is no whole list, or not signed, is none`() throws {
    let one = root.list(from: 0, to: 900)
    let cases: [(String, RevocationFault)] = [
      ("", .noList), (root.pem, .noList),
      (one + one.dropLast(60), .malformed(2)),
      (one + root.list(from: 0, to: 900, base: 1), .delta(2)),
      (one + Signer("root").list(from: 0, to: 900), .notSigned(2, "CN=root")),
    ]
    for (text, fault) in cases {
      #expect(throws: fault) { _ = try RevocationList(text, authorities: root.pem) }
    }
    _ = try RevocationList(one + one, authorities: root.pem)
  }
}
