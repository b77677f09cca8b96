private import COpenSSL
private import Glibc

/// One connection's TLS over a socket that is somebody else's and does not block. It is a
/// pointer's size, and holds buffers only while bytes wait.
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

  private static let method = Method()

  @safe private struct Method: @unchecked Sendable {
    let pointer: OpaquePointer?
    init() { unsafe pointer = unsafe copenssl_socket_method() }
  }

  /// Nil where there is none.
  private let ssl: OpaquePointer?

  /// None: what stands where a connection is plain. Nothing is asked of it but whether it is on.
  public init() { unsafe ssl = nil }

  /// Whether there is a session at all.
  public var isOn: Bool { unsafe ssl != nil }

  /// - Parameter socket: outlives the session.
  /// - Returns: None when memory is out.
  public static func accepting(_ socket: Int32, _ context: TLSContext) -> TLSSession {
    guard let ssl = unsafe make(socket, context) else { return TLSSession() }
    unsafe SSL_set_accept_state(ssl)
    return unsafe TLSSession(ssl)
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
      unsafe SSL_free(ssl)
    }
  }

  // MARK: The handshake

  /// Goes on with the handshake.
  public func shakeHands() -> Step {
    ERR_clear_error()
    let result = unsafe SSL_do_handshake(ssl)
    return result == 1 ? .done : step(result)
  }

  /// Whether what has failed was no handshake but a request in plain HTTP.
  public var wasPlainHTTP: Bool {
    copenssl_reason(ERR_peek_error()) == SSL_R_HTTP_REQUEST
  }

  // MARK: Reading

  /// Reads what there is of one record at most.
  public func read(_ room: UnsafeMutableRawBufferPointer) -> (count: Int, step: Step) {
    ERR_clear_error()
    var count = 0
    let result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &count)
    return result == 1 ? (count, .done) : (0, step(result))
  }

  /// Whether bytes wait here that the socket will tell nothing of.
  public var holdsInput: Bool { unsafe SSL_has_pending(ssl) == 1 }

  /// Whether the socket had no more when it was last read.
  public var hasDrainedSocket: Bool { unsafe copenssl_is_drained(ssl) == 1 }

  // MARK: Writing

  /// Sends from the front of `bytes`, in records; answers how many were taken. Of those the last
  /// record may still be held, then `isFlushed` is false.
  ///
  /// - Returns: Nil when the connection is of no use any more.
  public func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var taken = 0
    while taken < bytes.count {
      guard isFlushed else { break }
      let count = min(bytes.count - taken, Self.recordBytes)
      let record = unsafe UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + count])
      switch unsafe writeOnce(record) {
      case .done: break
      case .wantsRead, .wantsWrite: unsafe hold(record)
      case .ended, .failed: return nil
      }
      taken += count
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
    ERR_clear_error()
    let result = unsafe SSL_shutdown(ssl)
    return result >= 0 ? .done : step(result)
  }

  /// Whether the handshake is behind us.
  public var isEstablished: Bool { unsafe SSL_is_init_finished(ssl) == 1 }

  private func writeOnce(_ record: UnsafeRawBufferPointer) -> Step {
    ERR_clear_error()
    var count = 0
    let result = unsafe SSL_write_ex(ssl, record.baseAddress, record.count, &count)
    // Partial writes end between records, and this is one.
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
