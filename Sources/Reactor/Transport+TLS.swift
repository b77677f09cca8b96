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
  public var isSecure: Bool { session.isOn }

  /// All that was taken is the kernel's, our end included once it was to be told. What is broken
  /// owes nothing.
  public var isFlushed: Bool {
    !session.isOn || secrecy.contains(.isBroken)
      || (session.isFlushed && !secrecy.contains(.endsWhenFlushed))
  }

  /// What passes from now on is encrypted, once hands are shaken.
  public mutating func secure(by context: TLSContext) -> Bool {
    session = TLSSession.accepting(socket.number, context)
    return session.isOn
  }

  /// The same towards a server.
  ///
  /// - Parameter peer: who it has to be.
  public mutating func secure(
    by context: TLSContext, as peer: TLSPeer, resuming ticket: TLSTicket?
  ) -> Bool {
    session = TLSSession.connecting(
      socket.number, context, to: peer.name, isAddress: peer.isAddress, ticket: ticket)
    return session.isOn
  }

  /// Who the client has proved to be, as `X-Forwarded-Client-Cert` has it; nil where it has not.
  public var clientCertificate: String? { session.isOn ? session.clientCertificate : nil }

  /// What resumes the session with a server.
  public func ticket(_ context: TLSContext, _ peer: TLSPeer) -> TLSTicket? {
    session.isOn ? session.ticket(context, peer.name) : nil
  }

  /// Why hands could not be shaken, in words.
  public var handshakeProblem: String {
    session.isOn ? session.problem : "the server does not speak TLS"
  }

  /// Whether nothing has come that somebody must read: what the protocol says for itself is taken
  /// notice of.
  public mutating func isQuiet() -> Bool {
    guard isReadable else { return true }
    guard session.isOn else {
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
    switch session.shakeHands() {
    case .done:
      // What came behind the peer's last message waits inside, and no event will tell.
      isReadable = true
      return .done
    case .wantsRead:
      isReadable = false
      return .goesOn
    case .wantsWrite:
      isWritable = false
      return .goesOn
    case .ended, .failed:
      secrecy.insert(.isBroken)
      guard session.wasPlainHTTP, session.isServer else { return .failed }
      session = TLSSession()
      return .plainHTTP
    }
  }

  mutating func noteSecurely(_ readiness: Readiness) {
    // It may come while records wait inside, and is not told again once they are read.
    if readiness.contains(.readable) { session.forgetDrainedSocket() }
    guard session.isEstablished, !secrecy.contains(.isBroken) else { return }
    if readiness.contains(.writable), secrecy.contains(.readsWhenWritable) {
      secrecy.remove(.readsWhenWritable)
      isReadable = true
    }
    if !session.isFlushed {
      switch session.flush() {
      case .done: break
      case .wantsRead, .wantsWrite:
        isWritable = false
        return
      case .ended, .failed:
        // Whoever sends next is told.
        secrecy.insert(.isBroken)
        return
      }
    }
    if secrecy.contains(.endsWhenFlushed) { end() }
  }

  mutating func receiveSecurely(into buffer: inout ByteBuffer, atMost most: Int) -> Reading {
    guard !secrecy.contains(.isBroken) else { return .failed }
    let step = unsafe buffer.fill { room in
      // A part of the space, as `prefix` makes sure.
      let (count, step) = unsafe session.read(
        UnsafeMutableRawBufferPointer(rebasing: room.prefix(most)))
      return (count: count, result: step)
    }
    switch step {
    case .done:
      if !session.holdsInput, session.hasDrainedSocket, !isDone { isReadable = false }
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

  mutating func sendSecurely(
    _ bytes: Span<UInt8>, more: Bool = false
  ) throws(SystemError) -> Int {
    guard !secrecy.contains(.isBroken) else { throw .broken }
    let first = firstRecord(of: bytes.count)
    if first < TLSSession.recordBytes { secrecy.remove(.beginsSmall) }
    let written = unsafe bytes.withUnsafeBytes {
      unsafe session.write($0, first: first, more: more)
    }
    guard let taken = written else {
      secrecy.insert(.isBroken)
      throw .broken
    }
    if !session.isFlushed { isWritable = false }
    return taken
  }

  /// What the next record has at most, if so many bytes are sent. What fits the first flight of a
  /// connection anyway goes out in one: a second record is another call.
  private func firstRecord(of count: Int) -> Int {
    guard secrecy.contains(.beginsSmall), count > 2 * TLSSession.firstRecordBytes,
      session.isServer
    else { return TLSSession.recordBytes }
    return TLSSession.firstRecordBytes
  }

  /// What fits one record goes out in one.
  mutating func sendSecurely(
    _ first: Span<UInt8>, _ second: Span<UInt8>
  ) throws(SystemError) -> Int {
    let size = firstRecord(of: first.count + second.count)
    guard !first.isEmpty, !second.isEmpty, first.count < size else {
      let sent = try sendSecurely(first, more: !second.isEmpty)
      return sent < first.count || !isWritable ? sent : try sent + sendSecurely(second)
    }
    var record = ByteBuffer(capacity: min(first.count + second.count, size))
    record.append(first)
    let head = min(second.count, record.space)
    record.append(second.extracting(first: head))
    if size < TLSSession.recordBytes { secrecy.remove(.beginsSmall) }
    let sent = try sendSecurely(record.readable, more: head < second.count)
    guard sent == first.count + head, head < second.count, isWritable else { return sent }
    return try sent + sendSecurely(second.extracting(droppingFirst: head))
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
    guard !secrecy.contains(.isBroken) else { return Syscalls.shutdown(socket, .writing) }
    guard !secrecy.contains(.hasEnded) else { return }
    if session.isFlushed { end() } else { secrecy.insert(.endsWhenFlushed) }
  }

  private mutating func end() {
    switch session.end() {
    case .done:
      secrecy.remove(.endsWhenFlushed)
      secrecy.insert(.hasEnded)
      Syscalls.shutdown(socket, .writing)
    case .wantsRead, .wantsWrite:
      secrecy.insert(.endsWhenFlushed)
      isWritable = false
    case .ended, .failed:
      secrecy.insert(.isBroken)
      Syscalls.shutdown(socket, .writing)
    }
  }

  /// Before a close that cuts nothing: in plain the close says so by itself.
  ///
  /// - Returns: False when the end waits for the socket, and a close now would be a cut.
  public mutating func conclude() -> Bool {
    if session.isOn { endSendingSecurely() }
    return isFlushed
  }
}
