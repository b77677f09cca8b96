public import CLibraries
private import CLinux
internal import Memory

/// What is owed to a connection over TLS beside what it has in common with others.
struct SecrecyFlags: OptionSet {
  let rawValue: UInt8

  /// Reading goes on when the socket takes bytes: the protocol has something to send first.
  static let readsWhenWritable = SecrecyFlags(rawValue: 1)
  /// Our end is to be told when all that is held has gone out.
  static let endsWhenFlushed = SecrecyFlags(rawValue: 2)
  /// No call may be made any more.
  static let isBroken = SecrecyFlags(rawValue: 4)
  /// Our end has been told: telling it again would read, and lose what the peer still says.
  static let hasEnded = SecrecyFlags(rawValue: 8)
  /// The client waits for the beginning of what is sent next.
  static let beginsSmall = SecrecyFlags(rawValue: 16)
}

extension SystemError {
  fileprivate static let broken = SystemError(call: "send", errno: EPIPE)
}

// The same over TLS. What the library took and the kernel did not is held by the session, and
// each event tries it again; until it has gone nothing more is taken.
extension Transport {
  /// Whether what passes is encrypted.
  public var isSecure: Bool { !channel.isEmpty }

  /// All that was taken is the kernel's, our end included once it was to be told. What is broken
  /// owes nothing.
  public var isFlushed: Bool {
    channel.isEmpty || secrecy.contains(.isBroken)
      || (channel.value.isFlushed && !secrecy.contains(.endsWhenFlushed))
  }

  /// Whether some of what was taken and not sent has gone out since this was asked last: the peer
  /// reads, although it is not time to send more.
  public mutating func takeFlush() -> Bool { !channel.isEmpty && channel.value.takeFlush() }

  /// What passes from now on is encrypted, once hands are shaken.
  ///
  /// - Parameter room: that of the thread which has the connection.
  public mutating func secure(by context: TLSContext, in room: RecordRoom) -> Bool {
    let session = TLSSession.accepting(socket.number, context, handsOver: true)
    guard session.isOn else { return false }
    channel = Box(SecureChannel(session, room))
    return true
  }

  /// The same towards a server.
  ///
  /// - Parameter peer: who it has to be.
  public mutating func secure(
    by context: TLSContext, as peer: TLSPeer, resuming ticket: TLSTicket?
  ) -> Bool {
    let session = TLSSession.connecting(
      socket.number, context, to: peer.name, isAddress: peer.isAddress, ticket: ticket)
    guard session.isOn else { return false }
    channel = Box(SecureChannel(session))
    return true
  }

  /// Who the client has proved to be, as `X-Forwarded-Client-Cert` has it; nil where it has not.
  public var clientCertificate: String? { channel.isEmpty ? nil : channel.value.clientCertificate }

  /// What resumes the session with a server.
  public func ticket(_ context: TLSContext, _ peer: TLSPeer) -> TLSTicket? {
    channel.isEmpty ? nil : channel.value.ticket(context, peer.name)
  }

  /// Why hands could not be shaken, in words.
  public var handshakeProblem: String {
    channel.isEmpty ? "the server does not speak TLS" : channel.value.problem
  }

  /// Whether nothing has come that somebody must read: what the protocol says for itself is taken
  /// notice of.
  public mutating func isQuiet() -> Bool {
    guard isReadable else { return true }
    guard !channel.isEmpty else {
      // Who took no more than was wanted does not know that there was no more.
      if Syscalls.isSilent(socket) { isReadable = false }
      return !isReadable
    }
    var byte = ByteBuffer(capacity: 1)
    if case .wouldBlock = receiveSecurely(into: &byte, atMost: 1) { return true }
    return false
  }

  /// What a step of a handshake came to.
  public enum Handshake: Sendable {
    case done, goesOn
    /// The peer has spoken plain HTTP; what is sent to it from now on is plain, too.
    case plainHTTP
    case failed
  }

  /// Goes on with the handshake.
  public mutating func shakeHands() -> Handshake {
    switch channel.value.shakeHands(isPeerDone: isDone) {
    case .done:
      // What came behind the peer's last message waits inside, and no event will tell.
      isReadable = isDone || !channel.value.isDrained
      return .done
    case .wantsRead:
      isReadable = false
      return .goesOn
    case .wantsWrite:
      isWritable = false
      return .goesOn
    case .ended, .failed:
      secrecy.insert(.isBroken)
      guard channel.value.wasPlainHTTP, channel.value.isServer else { return .failed }
      channel = Box()
      return .plainHTTP
    }
  }

  mutating func noteSecurely(_ readiness: Readiness) {
    // It may come while records wait inside, and is not told again once they are read.
    if readiness.contains(.readable) { channel.value.forgetDrainedSocket() }
    guard channel.value.isEstablished, !secrecy.contains(.isBroken) else { return }
    if readiness.contains(.writable), secrecy.contains(.readsWhenWritable) {
      secrecy.remove(.readsWhenWritable)
      isReadable = true
    }
    guard flush() else { return }
    if secrecy.contains(.endsWhenFlushed) { endSendingSecurely() }
  }

  /// Sends what is kept; false when some of it still is.
  private mutating func flush() -> Bool {
    switch channel.value.flush(to: socket) {
    case .done: return true
    case .wantsRead, .wantsWrite: isWritable = false
    // Whoever sends next is told.
    case .ended, .failed: secrecy.insert(.isBroken)
    }
    return false
  }

  mutating func receiveSecurely(into buffer: inout ByteBuffer, atMost most: Int) -> Reading {
    guard !secrecy.contains(.isBroken) else { return .failed }
    switch channel.value.read(from: socket, into: &buffer, atMost: most) {
    case .done:
      // Nothing is left, unless the end stands behind it.
      if !isDone, channel.value.isDrained { isReadable = false }
      secrecy.insert(.beginsSmall)
      return .bytes
    case .wantsRead:
      isReadable = false
      return .wouldBlock
    case .wantsWrite:
      secrecy.insert(.readsWhenWritable)
      isReadable = false
      return .wouldBlock
    case .ended:
      isDone = true
      return .endOfStream
    case .failed:
      secrecy.insert(.isBroken)
      return .failed
    }
  }

  /// What fits one record goes out in one.
  mutating func sendSecurely(
    _ first: Span<UInt8>, _ second: Span<UInt8> = Span(), more: Bool = false
  ) throws(SystemError) -> Int {
    guard !secrecy.contains(.isBroken) else { throw .broken }
    let beginning = firstRecord(of: first.count + second.count)
    if beginning < TLSSession.recordBytes { secrecy.remove(.beginsSmall) }
    let written = channel.value.write(first, second, beginning: beginning, more: more, to: socket)
    guard let taken = written else {
      secrecy.insert(.isBroken)
      throw .broken
    }
    if !channel.value.isFlushed { isWritable = false }
    return taken
  }

  /// What the next record has at most, if so many bytes are sent. What fits the first flight of a
  /// connection anyway goes out in one.
  private func firstRecord(of count: Int) -> Int {
    guard secrecy.contains(.beginsSmall), count > 2 * TLSSession.firstRecordBytes,
      channel.value.isServer
    else { return TLSSession.recordBytes }
    return TLSSession.firstRecordBytes
  }

  /// Bytes of a file that are read and sealed at a time: four records.
  private static let filePiece = 64 << 10

  /// What is read of the file and not taken is read again.
  mutating func sendFileSecurely(
    _ file: borrowing Descriptor, from offset: Int, count: Int
  ) throws(SystemError) -> Int? {
    var piece = ByteBuffer(capacity: min(count, Self.filePiece))
    var sent = 0
    while sent < count, isWritable {
      piece.clear(reserving: max(piece.capacity - (count - sent), 0))  // no more than was asked
      let read = try Syscalls.readSome(file, at: offset + sent, into: &piece)
      guard read > 0 else { return sent > 0 ? sent : nil }
      let taken = try sendSecurely(piece.readable)
      sent += taken
      guard taken == read else { break }
    }
    return sent
  }

  mutating func endSendingSecurely() {
    tellEnd()
    if secrecy.contains(.hasEnded) || secrecy.contains(.isBroken) {
      Syscalls.shutdown(socket, .writing)
    }
  }

  /// Tells our end as soon as nothing is kept.
  private mutating func tellEnd() {
    guard !secrecy.contains(.isBroken), !secrecy.contains(.hasEnded) else { return }
    guard channel.value.isFlushed else {
      secrecy.insert(.endsWhenFlushed)
      return
    }
    switch channel.value.end(socket) {
    case .done:
      secrecy.remove(.endsWhenFlushed)
      secrecy.insert(.hasEnded)
    case .wantsRead, .wantsWrite:
      secrecy.insert(.endsWhenFlushed)
      isWritable = false
    case .ended, .failed: secrecy.insert(.isBroken)
    }
  }

  /// Before a close that cuts nothing: in plain the close says so by itself.
  ///
  /// - Returns: False when the end waits for the socket, and a close now would be a cut.
  public mutating func conclude() -> Bool {
    if !channel.isEmpty { tellEnd() }
    return isFlushed
  }
}
