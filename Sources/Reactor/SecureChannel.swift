internal import CLibraries
internal import Memory

/// What encrypts a connection: libssl while hands are shaken, and then our own records where the
/// client speaks TLS 1.3. Those cost half of libssl's instructions and a fifth of its memory. With
/// servers, which may send tickets at any time, and before TLS 1.3 libssl goes on.
struct SecureChannel: ~Copyable {
  private var session: TLSSession
  private var records = Box<RecordLayer>()
  /// Where records are opened and sealed; none where libssl does so.
  private let room: RecordRoom?

  init(_ session: consuming TLSSession, _ room: RecordRoom? = nil) {
    self.session = session
    self.room = room
  }

  // MARK: The handshake

  /// - Parameter isPeerDone: the peer's end has been announced.
  mutating func shakeHands(isPeerDone: Bool) -> TLSSession.Step {
    guard records.isEmpty else { return .done }
    let step = session.shakeHands(isPeerDone: isPeerDone)
    guard step == .done, let room, let established = session.handOver() else { return step }
    records = Box(RecordLayer(established, room))
    session = TLSSession()
    return .done
  }

  /// Whether libssl has done its part.
  var hasRecords: Bool { !records.isEmpty }
  var isEstablished: Bool { hasRecords || session.isEstablished }
  var isServer: Bool { hasRecords || session.isServer }
  var wasPlainHTTP: Bool { session.wasPlainHTTP }
  var problem: String { session.problem }
  var clientCertificate: String? {
    records.isEmpty ? session.clientCertificate : records.value.clientCertificate
  }

  func ticket(_ context: TLSContext, _ name: String) -> TLSTicket? {
    session.isOn ? session.ticket(context, name) : nil
  }

  // MARK: Reading

  /// Nothing waits here, and the socket had no more when it was last read.
  var isDrained: Bool { records.isEmpty ? session.isDrained : records.value.isDrained }

  /// The socket has had more since.
  mutating func forgetDrainedSocket() {
    guard !records.isEmpty else { return session.forgetDrainedSocket() }
    records.value.hasDrainedSocket = false
  }

  /// Appends what there is to `buffer`, up to `most` bytes, which is not more than its space.
  mutating func read(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer, atMost most: Int
  ) -> TLSSession.Step {
    guard records.isEmpty else {
      return records.value.read(from: socket, into: &buffer, atMost: most)
    }
    return unsafe buffer.fill { room in
      // A part of the space, as `prefix` makes sure.
      let (count, step) = unsafe session.read(
        UnsafeMutableRawBufferPointer(rebasing: room.prefix(most)))
      return (count: count, result: step)
    }
  }

  // MARK: Writing

  /// Nothing is kept of what was taken.
  var isFlushed: Bool {
    records.isEmpty ? session.isFlushed : records.value.isFlushed
  }

  /// Sends from the front of `first` and `second`, in records; answers how many were taken. What the
  /// kernel does not take of those is kept, then `isFlushed` is false.
  ///
  /// - Parameters:
  ///   - beginning: what the first record has at most.
  ///   - more: more is written at once, and the peer need not see the last of these before.
  /// - Returns: Nil when the connection is of no use any more.
  mutating func write(
    _ first: Span<UInt8>, _ second: Span<UInt8>, beginning: Int, more: Bool,
    to socket: borrowing Descriptor
  ) -> Int? {
    guard records.isEmpty else {
      return records.value.write(first, second, beginning: beginning, more: more, to: socket)
    }
    guard !first.isEmpty, !second.isEmpty else {
      return write(first.isEmpty ? second : first, beginning: beginning, more: more)
    }
    // What fits one record goes out in one.
    let head = max(0, min(second.count, beginning - first.count))
    var joined = ByteBuffer(capacity: first.count + head)
    joined.append(first)
    joined.append(second.extracting(first: head))
    let follows = more || head < second.count
    guard let taken = write(joined.readable, beginning: beginning, more: follows) else {
      return nil
    }
    guard taken == joined.count, head < second.count, isFlushed else { return taken }
    let rest = write(
      second.extracting(droppingFirst: head), beginning: TLSSession.recordBytes, more: more)
    return rest.map { taken + $0 }
  }

  private func write(_ bytes: Span<UInt8>, beginning: Int, more: Bool) -> Int? {
    unsafe bytes.withUnsafeBytes { unsafe session.write($0, first: beginning, more: more) }
  }

  /// Goes on sending what is kept.
  mutating func flush(to socket: borrowing Descriptor) -> TLSSession.Step {
    records.isEmpty ? session.flush() : records.value.flush(to: socket)
  }

  /// Whether some of what was kept has gone out since this was asked last. What libssl keeps is no
  /// more than a record, and goes as a whole.
  mutating func takeFlush() -> Bool {
    guard !records.isEmpty, records.value.hasFlushed else { return false }
    records.value.hasFlushed = false
    return true
  }

  /// Tells the peer that nothing more will come.
  mutating func end(_ socket: borrowing Descriptor) -> TLSSession.Step {
    records.isEmpty ? session.end() : records.value.sayEnd(to: socket)
  }
}
