internal import COpenSSL
internal import Memory

/// The keys that a handshake comes to, as they become known. libssl sees to the handshake; what comes
/// behind it can be sealed and opened by these, without libssl and all that it keeps.
@safe struct RecordKeys: ~Copyable {
  /// What sees into libcrypto; nothing where that lets nobody see.
  @safe private struct Watch: @unchecked Sendable {
    let pointer: UnsafePointer<copenssl_watch>?
    init() { unsafe pointer = unsafe copenssl_watch_start() }
  }

  private static let watch = Watch()

  /// What a context has to prefer to be seen into; nil for nothing.
  static var preference: UnsafePointer<CChar>? {
    unsafe watch.pointer == nil ? nil : copenssl_watch_preference()
  }

  private let traffic: UnsafeMutablePointer<copenssl_traffic>

  /// - Returns: Nil where nothing is seen, or memory is out.
  init?(of ssl: OpaquePointer) {
    guard unsafe Self.watch.pointer != nil, let traffic = unsafe copenssl_traffic_new(ssl) else {
      return nil
    }
    unsafe self.traffic = unsafe traffic
  }

  deinit { unsafe copenssl_traffic_free(traffic) }

  /// Takes a step of the handshake and sees what it comes to.
  func watch(_ step: () -> Int32) -> Int32 {
    guard let watch = unsafe Self.watch.pointer else { return step() }
    unsafe copenssl_watch_keep(watch, traffic)
    let result = step()
    unsafe copenssl_watch_keep(watch, nil)
    return result
  }

  /// A step of the handshake begins: something may have come.
  ///
  /// - Parameter readsToEnd: the end may stand behind it, and no event would tell.
  func begin(readsToEnd: Bool) {
    unsafe traffic.pointee.is_drained = 0
    unsafe traffic.pointee.reads_to_end = readsToEnd ? 1 : 0
  }

  func holdsInput() -> Bool { unsafe traffic.pointee.end > traffic.pointee.start }

  /// What has come and libssl has not taken.
  var input: ByteBuffer {
    let count = unsafe traffic.pointee.end - traffic.pointee.start
    guard count > 0 else { return ByteBuffer() }
    var input = ByteBuffer(capacity: count)
    // So many are there, and as much room.
    unsafe input.fill { room in
      unsafe room.copyMemory(
        from: UnsafeRawBufferPointer(start: copenssl_traffic_input(traffic), count: count))
      return (count: count, result: ())
    }
    return input
  }

  /// libssl goes on by itself, behind what has come: no key is known here any more.
  func leave() { unsafe copenssl_traffic_leave(traffic) }

  /// What opens the client's records; nil when memory is out, or its key was not seen.
  func opening(_ suite: OpaquePointer?) -> RecordCipher? {
    unsafe RecordCipher(copenssl_client_keys(traffic), suite, number: 0, seals: false)
  }

  /// What seals the server's, behind the tickets that have been sent.
  func sealing(_ suite: OpaquePointer?) -> RecordCipher? {
    unsafe RecordCipher(
      copenssl_server_keys(traffic), suite, number: traffic.pointee.sealed, seals: true)
  }
}
