private import COpenSSL
private import Glibc
public import Memory

/// One connection's TLS over a socket that is somebody else's and does not block. It holds buffers
/// only while bytes wait.
@safe public struct TLSSession: ~Copyable, @unchecked Sendable {
  /// What one step came to.
  public enum Step: Sendable {
    case done
    /// It goes on when the socket can be read, or written to, again.
    case wantsRead, wantsWrite
    /// The peer has said its last (close_notify).
    case ended
    /// The connection is of no use any more: broken, or ended without close_notify.
    case failed
  }

  /// Of content, in one record (RFC 8446 §5.1).
  public static let recordBytes = 16 << 10

  /// The first record of a long answer has less, and so is there whole, and can be opened, before
  /// the peer has acknowledged anything: 16 KiB are more than the ten segments that may be under
  /// way then (RFC 6928).
  public static let firstRecordBytes = 4 << 10

  /// Renewals of keys that are taken from one connection.
  public static let renewalLimit = COPENSSL_RENEWALS

  private static let method = Method()

  @safe private struct Method: @unchecked Sendable {
    let pointer: OpaquePointer?
    init() { unsafe pointer = unsafe copenssl_socket_method() }
  }

  /// Nil where there is none. Tests see it, and have it do what peers do.
  let ssl: OpaquePointer?
  /// What the handshake comes to, where the session is to be handed over then.
  private var keys: RecordKeys?

  /// None: what stands where a connection is plain. Nothing is asked of it but whether it is on.
  public init() { unsafe ssl = nil }

  /// Whether there is a session at all.
  public var isOn: Bool { unsafe ssl != nil }

  /// - Parameters:
  ///   - socket: outlives the session.
  ///   - handsOver: whether `handOver` is asked when hands are shaken.
  /// - Returns: None when memory is out.
  public static func accepting(
    _ socket: Int32, _ context: TLSContext, handsOver: Bool = false
  ) -> TLSSession {
    guard let ssl = unsafe make(socket, context) else { return TLSSession() }
    unsafe SSL_set_accept_state(ssl)
    var session = unsafe TLSSession(ssl)
    if handsOver { session.keys = unsafe RecordKeys(of: ssl) }
    if session.keys != nil { unsafe copenssl_set_leaving(ssl, 1) }
    return session
  }

  /// - Parameters:
  ///   - name: a host or an address: whom the certificate has to be for.
  ///   - ticket: resumes the session that it was of, if the server lets it.
  public static func connecting(
    _ socket: Int32, _ context: TLSContext, to name: String, isAddress: Bool, ticket: TLSTicket?
  ) -> TLSSession {
    guard let ssl = unsafe make(socket, context) else { return TLSSession() }
    unsafe SSL_set_connect_state(ssl)
    var isReady = unsafe copenssl_expect(ssl, name, isAddress ? 1 : 0) == 1
    if !isAddress, unsafe copenssl_set_name(ssl, name) != 1 { isReady = false }
    guard isReady else {
      unsafe SSL_free(ssl)
      return TLSSession()
    }
    if let ticket, ticket.context === context, ticket.name == name {
      _ = unsafe SSL_set_session(ssl, ticket.session)
    }
    return unsafe TLSSession(ssl)
  }

  /// What resumes this session; nil if nothing does.
  ///
  /// - Parameters: what the session was made with.
  public func ticket(_ context: TLSContext, _ name: String) -> TLSTicket? {
    guard let session = unsafe SSL_get1_session(ssl) else { return nil }
    let ticket = unsafe TLSTicket(session, context, name)
    return unsafe SSL_SESSION_is_resumable(session) == 1 ? ticket : nil
  }

  /// Why the handshake has failed, in words.
  public var problem: String {
    let error = OpenSSLError.text()
    let result = unsafe SSL_get_verify_result(ssl)
    guard result != Int(X509_V_OK) else { return "handshake failed: \(error)" }
    switch (Int32(result), unsafe copenssl_checked(ssl, 0)) {
    case (X509_V_ERR_CERT_HAS_EXPIRED, _), (X509_V_ERR_CERT_NOT_YET_VALID, _):
      return timeProblem
    case (X509_V_ERR_HOSTNAME_MISMATCH, let certificate?),
      (X509_V_ERR_IP_ADDRESS_MISMATCH, let certificate?):
      // What a stranger writes in a certificate is shown in part only.
      let names = unsafe TLSIdentity.names(of: certificate).prefix(3).map { $0.prefix(100) }
      let others = names.isEmpty ? "no name" : names.joined(separator: ", ")
      return "certificate is for \(others)"
    case (X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, _):
      return "certificate has signed itself, and is not trusted"
    case (X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, _),
      (X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, _),
      (X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, _):
      return "certificate is of an authority that is not trusted"
    case (X509_V_ERR_CERT_REVOKED, _):
      return "certificate was revoked"
    case (X509_V_ERR_UNABLE_TO_GET_CRL, _):
      return "certificate is of an authority that has no list of those that it has revoked"
    case (X509_V_ERR_CRL_HAS_EXPIRED, _):
      return "certificate is of an authority whose list of those that it has revoked has expired"
    default:
      guard let text = unsafe X509_verify_cert_error_string(result) else { return error }
      return unsafe "certificate: \(String(cString: text))"
    }
  }

  /// Which certificate of the chain is not valid now.
  private var timeProblem: String {
    var number: Int32 = 0
    while let certificate = unsafe copenssl_checked(ssl, number) {
      number += 1
      let name = number == 1 ? "certificate" : "certificate \(number) of the chain"
      switch unsafe copenssl_compare_time(certificate) {
      case 0: continue
      case 1...: return unsafe "\(name) expired on \(TLSIdentity.end(of: certificate))"
      default: return unsafe "\(name) is not valid before \(TLSIdentity.start(of: certificate))"
      }
    }
    return "certificate is not valid now"
  }

  private static func make(_ socket: Int32, _ context: TLSContext) -> OpaquePointer? {
    guard let ssl = unsafe SSL_new(context.handle.pointer) else { return nil }
    if unsafe copenssl_bind(ssl, method.pointer, socket) == 1 { return unsafe ssl }
    unsafe SSL_free(ssl)
    return nil
  }

  private init(_ ssl: OpaquePointer) { unsafe self.ssl = unsafe ssl }

  deinit {
    if let ssl = unsafe ssl {
      if let held = unsafe held { unsafe held.deallocate() }
      // A connection to a server may end without a word, and its session be resumed all the same.
      if unsafe SSL_is_server(ssl) == 0 {
        unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
      }
      unsafe SSL_free(ssl)
    }
  }

  // MARK: The handshake

  /// Goes on with the handshake.
  ///
  /// - Parameter isPeerDone: the peer's end has been announced.
  public func shakeHands(isPeerDone: Bool = false) -> Step {
    OpenSSLError.forget()
    keys?.begin(readsToEnd: isPeerDone)
    let watched = keys?.watch { unsafe SSL_do_handshake(ssl) }
    let result = unsafe watched ?? SSL_do_handshake(ssl)
    guard result == 1 else { return step(result) }
    // There is no second handshake that would show them again.
    unsafe SSL_certs_clear(ssl)
    unsafe copenssl_forget_staple(ssl)
    return .done
  }

  /// A session with a client from which libssl is not needed any more.
  @frozen public struct Established: ~Copyable {
    public var opening: RecordCipher
    public var sealing: RecordCipher
    /// What has come behind the handshake.
    public var input: ByteBuffer
    /// The socket had no more when it was last read.
    public let hasDrainedSocket: Bool
    /// Of content, that the client takes in one record (RFC 6066 §4).
    public let recordBytes: Int
    /// As `clientCertificate` has it.
    public let clientCertificate: String?
  }

  /// Hands over the session when hands are shaken. This one is of no use any more then.
  ///
  /// - Returns: Nil where libssl has to go on: before TLS 1.3, or with a cipher that is not known
  ///   here.
  public mutating func handOver() -> Established? {
    guard let known = keys.take() else { return nil }
    if let established = established(known) {
      _ = unsafe copenssl_set_traffic(ssl, nil)
      return established
    }
    unsafe copenssl_set_leaving(ssl, 0)
    known.leave()
    keys = consume known
    return nil
  }

  private func established(_ known: borrowing RecordKeys) -> Established? {
    let suite = unsafe SSL_get_current_cipher(ssl)
    guard unsafe SSL_version(ssl) == TLS1_3_VERSION, unsafe SSL_has_pending(ssl) == 0,
      let opening = unsafe known.opening(suite), let sealing = unsafe known.sealing(suite)
    else { return nil }
    // 512 bytes and their doubles, or another number for nothing that was asked for.
    let exponent = unsafe SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl))
    return Established(
      opening: opening, sealing: sealing, input: known.input,
      hasDrainedSocket: unsafe copenssl_is_drained(ssl) == 1,
      recordBytes: (1...4).contains(exponent) ? 256 << Int(exponent) : Self.recordBytes,
      clientCertificate: clientCertificate)
  }

  /// Whether what has failed was no handshake but a request in plain HTTP.
  public var wasPlainHTTP: Bool {
    copenssl_reason(ERR_peek_error()) == SSL_R_HTTP_REQUEST
  }

  /// Whether it is clients that connect to us.
  public var isServer: Bool { unsafe SSL_is_server(ssl) == 1 }

  // MARK: Reading

  /// Reads what there is of one record at most.
  public func read(_ room: UnsafeMutableRawBufferPointer) -> (count: Int, step: Step) {
    OpenSSLError.forget()
    var count = 0
    let result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &count)
    return result == 1 ? (count, .done) : (0, step(result))
  }

  /// Whether bytes wait here that the socket will tell nothing of.
  public var holdsInput: Bool { unsafe SSL_has_pending(ssl) == 1 }

  /// Whether nothing waits here, and the socket had no more when it was last read.
  public var isDrained: Bool {
    guard unsafe copenssl_is_drained(ssl) == 1, !holdsInput else { return false }
    return keys?.holdsInput() != true
  }

  /// The socket has had more since.
  public func forgetDrainedSocket() { unsafe copenssl_set_drained(SSL_get_rbio(ssl), 0) }

  // MARK: Who the client is

  /// Of a subject that is longer only the fingerprint is told: half a name is another's.
  static let subjectLimit = 400

  /// The fingerprint (SHA-256) and the subject (RFC 2253) of the certificate that the client has
  /// proved to be its own, as Envoy writes them; nil when it has shown none.
  public var clientCertificate: String? {
    // Found out once: it goes with each request.
    if let attached = unsafe SSL_get_ex_data(ssl, Self.certificateIndex) {
      return unsafe Unmanaged<Told>.fromOpaque(attached).takeUnretainedValue().text
    }
    guard let certificate = unsafe SSL_get0_peer_certificate(ssl),
      unsafe SSL_get_verify_result(ssl) == Int(X509_V_OK),
      let text = unsafe Self.text(of: certificate)
    else { return nil }
    let told = unsafe Unmanaged.passRetained(Told(text)).toOpaque()
    let status = unsafe SSL_set_ex_data(ssl, Self.certificateIndex, told)
    precondition(status == 1, "out of memory")
    return text
  }

  /// What servers are told of a client, attached to libssl's object.
  private final class Told: Sendable {
    let text: String
    init(_ text: String) { self.text = text }
  }

  private static let certificateIndex = unsafe copenssl_new_session_index {
    _, attached, _, _, _, _ in
    guard let attached = unsafe attached else { return }
    unsafe Unmanaged<Told>.fromOpaque(attached).release()
  }

  private static func text(of certificate: OpaquePointer) -> String? {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 32
    // 32 bytes, as SHA-256 has it.
    let isMade = unsafe X509_digest(certificate, EVP_sha256(), &digest, &count)
    guard isMade == 1, count == 32 else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    let hash = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    let text = "Hash=\(String(decoding: hash, as: UTF8.self))"
    guard let subject = unsafe Self.text(of: X509_get_subject_name(certificate)) else {
      return text
    }
    return "\(text);Subject=\"\(subject)\""
  }

  /// Somebody's name in ASCII, all else escaped; nil of one that is too long.
  static func text(of name: OpaquePointer?) -> String? {
    let bio = unsafe BIO_new(BIO_s_mem())
    defer { unsafe BIO_free(bio) }
    guard unsafe X509_NAME_print_ex(bio, name, 0, copenssl_subject_form()) >= 0 else { return nil }
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe copenssl_pem_bytes(bio, &start)
    guard count > 0, count <= subjectLimit else { return nil }
    // So many bytes are there while the BIO is.
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Writing

  /// Sends from the front of `bytes`, in records; answers how many were taken. Of those the last
  /// record may still be held, then `isFlushed` is false.
  ///
  /// - Parameters:
  ///   - first: what the first record has at most.
  ///   - more: more is written at once, and the peer need not see the last of these before.
  /// - Returns: Nil when the connection is of no use any more.
  public func write(
    _ bytes: UnsafeRawBufferPointer, first: Int = TLSSession.recordBytes, more: Bool = false
  ) -> Int? {
    var taken = 0
    var size = first
    while taken < bytes.count {
      guard isFlushed else { break }
      let count = min(bytes.count - taken, size)
      let record = unsafe UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + count])
      let follows = more || taken + count < bytes.count
      if follows { unsafe copenssl_set_follows(ssl, 1) }
      let step = unsafe writeOnce(record)
      if follows { unsafe copenssl_set_follows(ssl, 0) }
      switch step {
      case .done: break
      case .wantsRead, .wantsWrite: unsafe hold(record)
      case .ended, .failed: return nil
      }
      taken += count
      size = Self.recordBytes
    }
    return taken
  }

  /// Nothing is held of what was taken.
  public var isFlushed: Bool { unsafe held == nil }

  /// Goes on sending what is held.
  public func flush() -> Step {
    guard let held = unsafe held else { return .done }
    let size = MemoryLayout<Int>.size
    let record = unsafe UnsafeRawBufferPointer(
      start: held + size, count: held.load(as: Int.self))
    let step = unsafe writeOnce(record)
    if step == .done {
      unsafe held.deallocate()
      unsafe SSL_set_ex_data(ssl, Self.bytesIndex, nil)
    }
    return step
  }

  /// Tells the peer that nothing more will come.
  public func end() -> Step {
    OpenSSLError.forget()
    let result = unsafe SSL_shutdown(ssl)
    return result >= 0 ? .done : step(result)
  }

  /// Whether the handshake is behind us.
  public var isEstablished: Bool { unsafe SSL_is_init_finished(ssl) == 1 }

  private func writeOnce(_ record: UnsafeRawBufferPointer) -> Step {
    OpenSSLError.forget()
    var count = 0
    let result = unsafe SSL_write_ex(ssl, record.baseAddress, record.count, &count)
    // All of it, or to be repeated: partial writes are off.
    return result == 1 ? .done : step(result)
  }

  // A write that would have blocked has to be repeated with the same bytes (SSL_write(3)). Who
  // sends is free to forget them, so that they are kept: here they are behind their count, in
  // one piece of memory that libssl's object remembers.

  private static let bytesIndex: Int32 = 0

  private var held: UnsafeMutableRawPointer? {
    unsafe SSL_get_ex_data(ssl, Self.bytesIndex)
  }

  private func hold(_ record: UnsafeRawBufferPointer) {
    let size = MemoryLayout<Int>.size
    let start = UnsafeMutableRawPointer.allocate(byteCount: size + record.count, alignment: size)
    unsafe start.storeBytes(of: record.count, as: Int.self)
    // Not empty, for an empty record is never written; the room is as large.
    unsafe (start + size).copyMemory(from: record.baseAddress!, byteCount: record.count)
    let status = unsafe SSL_set_ex_data(ssl, Self.bytesIndex, start)
    precondition(status == 1, "out of memory")
  }

  private func step(_ result: Int32) -> Step {
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: .wantsRead
    case SSL_ERROR_WANT_WRITE: .wantsWrite
    case SSL_ERROR_ZERO_RETURN: .ended
    default: .failed
    }
  }
}

/// What resumes a session with a server, without its certificate and half of the work.
@safe public final class TLSTicket: @unchecked Sendable {
  fileprivate let session: OpaquePointer
  /// Only who checks alike may resume: the certificate is not seen again.
  fileprivate let context: TLSContext
  fileprivate let name: String

  fileprivate init(_ session: OpaquePointer, _ context: TLSContext, _ name: String) {
    unsafe self.session = unsafe session
    self.context = context
    self.name = name
  }

  deinit { unsafe SSL_SESSION_free(session) }
}
