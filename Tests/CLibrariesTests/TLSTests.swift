import CLibraries
import Glibc
import Testing

/// Two ends of a connection within the process, over a pair of sockets that do not block.
private struct Pair: ~Copyable {
  let sockets: (Int32, Int32)
  init() {
    var numbers: [Int32] = [0, 0]
    let type: Int32 = 1 | 0o4000  // SOCK_STREAM | SOCK_NONBLOCK
    _ = unsafe socketpair(AF_UNIX, type, 0, &numbers)
    sockets = (numbers[0], numbers[1])
  }

  deinit {
    close(sockets.0)
    close(sockets.1)
  }
}

struct TLSTests {
  private static func identity(_ hosts: String...) throws -> TLSIdentity {
    let made = try SelfSigned(hosts: hosts, days: 2)
    return try TLSIdentity(certificate: made.certificate, key: made.key)
  }

  @Test func `what signs itself is good for its names and days`() throws {
    let identity = try Self.identity("Localhost", "*.site.test", "127.0.0.1")
    #expect(identity.names == ["localhost", "*.site.test"])
    let now = CertificateTime(seconds: Int64(time(nil)))
    try identity.check(at: now)
    #expect(identity.validUntil.days(from: now) == 1 || identity.validUntil.days(from: now) == 2)
    #expect(throws: CertificateFault.expired(identity.validUntil)) {
      try identity.check(at: identity.validUntil)
    }
    #expect(throws: CertificateFault.notYetValid(identity.validFrom)) {
      try identity.check(at: CertificateTime(seconds: identity.validFrom.seconds - 1))
    }
  }

  @Test func `a day is told in UTC, and days are whole`() {
    let end = CertificateTime(seconds: 1_793_491_200)
    #expect(end.description == "2026-11-01")
    #expect(end.days(from: CertificateTime(seconds: end.seconds - 86_399)) == 0)
    #expect(end.days(from: CertificateTime(seconds: end.seconds - 86_400)) == 1)
    #expect(end.days(from: CertificateTime(seconds: end.seconds + 1)) == -1)
  }

  @Test func `a key of another certificate is found out`() throws {
    let (one, other) = (
      try SelfSigned(hosts: ["a"], days: 1), try SelfSigned(hosts: ["b"], days: 1)
    )
    #expect(throws: CertificateFault.keyMismatch) {
      _ = try TLSIdentity(certificate: one.certificate, key: other.key)
    }
    #expect(throws: CertificateFault.wrongFirst(2)) {
      _ = try TLSIdentity(certificate: other.certificate + one.certificate, key: one.key)
    }
    #expect(throws: CertificateFault.wrongOrder(2)) {
      _ = try TLSIdentity(certificate: one.certificate + other.certificate, key: one.key)
    }
    #expect(throws: CertificateFault.noKey) {
      _ = try TLSIdentity(certificate: one.certificate, key: one.certificate)
    }
    #expect(throws: CertificateFault.noCertificate) {
      _ = try TLSIdentity(certificate: "", key: one.key)
    }
  }

  @Test func `a hello that comes in pieces is waited for, and rubbish is not`() throws {
    let context = try TLSContext(
      identities: [try Self.identity("localhost")], tickets: TicketKeys())
    let pair = Pair()
    let session = TLSSession.accepting(pair.sockets.0, context)
    let step1 = session.shakeHands()
    #expect(step1 == .wantsRead)
    let beginning: [UInt8] = [22, 3, 1]
    let beginningSent = unsafe write(pair.sockets.1, beginning, 3)
    #expect(beginningSent == 3)
    let step2 = session.shakeHands()
    #expect(step2 == .wantsRead)
    let rubbish = [UInt8](repeating: 0, count: 100)
    let rubbishSent = unsafe write(pair.sockets.1, rubbish, 100)
    #expect(rubbishSent == 100)
    let step3 = session.shakeHands()
    #expect(step3 == .failed)
    let wasPlain = session.wasPlainHTTP
    #expect(!wasPlain)
  }

  @Test func `a request in plain HTTP is known for one`() throws {
    let context = try TLSContext(
      identities: [try Self.identity("localhost")], tickets: TicketKeys())
    let pair = Pair()
    let session = TLSSession.accepting(pair.sockets.0, context)
    let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    let requestSent = unsafe write(pair.sockets.1, request, request.count)
    #expect(requestSent == request.count)
    let step4 = session.shakeHands()
    #expect(step4 == .failed)
    let wasPlain = session.wasPlainHTTP
    #expect(wasPlain)
  }
}
