internal import CLibraries
internal import Memory

/// The records of a connection with a client over TLS 1.3 once hands are shaken (RFC 8446 §5).
///
/// A record is opened in the room of the thread, and what was wanted of it copied out; so an idle
/// connection has no buffer. What is sealed has its number, and has to be sent as it is: what the
/// kernel does not take is kept here.
struct RecordLayer: ~Copyable {
  /// A whole record.
  static let sealedBytes = TLSSession.recordBytes + RecordCipher.overhead
  /// A record that renews the key.
  static let renewalBytes = 5 + RecordCipher.overhead
  /// Records in a row that bring nothing.
  static let vainLimit = 32
  /// Records that are opened at once, if they bring something: others wait for their turn, and each
  /// costs what some 1000 bytes cost. Those that are not tiny come to as much as is read at once.
  static let turnLimit = 64

  /// What stands in a record (RFC 8446 §5.1).
  private enum ContentType {
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23
  }

  /// RFC 8446 §6.
  private enum Alert: UInt8 {
    case closeNotify = 0
    case unexpectedMessage = 10
    case badRecordMAC = 20
    case recordOverflow = 22
    case illegalParameter = 47
    case decodeError = 50
    case internalError = 80
    case userCanceled = 90
  }

  /// All of a KeyUpdate but its last byte (RFC 8446 §4.6.3): nothing else is taken from a client.
  private static let keyUpdate: InlineArray<4, UInt8> = [24, 0, 0, 1]

  private var opening: RecordCipher
  private var sealing: RecordCipher
  private let room: RecordRoom
  /// Of content, that the client takes in one record.
  private let recordBytes: Int
  /// Who the client has proved to be, as `X-Forwarded-Client-Cert` has it.
  let clientCertificate: String?

  /// What has come and is not opened yet.
  private var sealed = ByteBuffer()
  /// What was opened and is not taken yet.
  private var opened = ByteBuffer()
  /// Records that the kernel has not taken.
  private var unsent = ByteBuffer()
  /// How reading has ended, if it has.
  private var verdict: TLSSession.Step?
  /// What the client is to be told of that.
  private var fault: Alert?
  /// A whole record may stand in `sealed`.
  private var holdsRecord = false
  /// The socket had no more when it was last read.
  var hasDrainedSocket: Bool
  private var hasSaidEnd = false
  /// Some of what was kept has gone out.
  var hasFlushed = false
  /// Bytes of a KeyUpdate that have come: it may be cut into records.
  private var keyUpdateCount: UInt8 = 0
  private var vain: UInt8 = 0
  private var renewals: UInt16 = 0
  /// The client has asked for another key of ours. One answers all that it has asked at once.
  private var owesRenewal = false

  init(_ session: consuming TLSSession.Established, _ room: RecordRoom) {
    opening = session.opening
    sealing = session.sealing
    recordBytes = session.recordBytes
    clientCertificate = session.clientCertificate
    sealed = session.input
    holdsRecord = !sealed.isEmpty
    hasDrainedSocket = session.hasDrainedSocket
    self.room = room
  }

  // MARK: Reading

  /// Nothing waits here, not even how reading has ended, and the socket had no more when it was last
  /// read.
  var isDrained: Bool { hasDrainedSocket && opened.isEmpty && !holdsRecord && verdict == nil }

  /// Appends what there is to `buffer`, up to `most` bytes, which is not more than its space.
  mutating func read(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer, atMost most: Int
  ) -> TLSSession.Step {
    guard opened.isEmpty else {
      takeOpened(into: &buffer, atMost: most)
      return .done
    }
    let step = verdict ?? readRecords(from: socket, into: &buffer, atMost: most)
    if step == .failed { tellWhy(socket) }
    return step
  }

  private mutating func readRecords(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer, atMost most: Int
  ) -> TLSSession.Step {
    var input = room.inputs.take()
    input.append(sealed.readable)
    sealed = ByteBuffer()
    let limit = buffer.count + most
    while true {
      let step =
        openRecords(&input, into: &buffer, upTo: limit)
        ?? receive(&input, most, from: socket)
      guard let step else { continue }
      keep(input)
      if owesRenewal { answerRenewal(socket) }
      return step
    }
  }

  private mutating func takeOpened(into buffer: inout ByteBuffer, atMost most: Int) {
    let count = min(most, opened.count)
    buffer.append(opened.readable.extracting(first: count))
    opened.consume(count)
    if opened.isEmpty { opened = ByteBuffer() }
  }

  /// Keeps what is not opened, and gives the room back.
  private mutating func keep(_ input: consuming ByteBuffer) {
    holdsRecord = false
    if !input.isEmpty {
      sealed = ByteBuffer(capacity: input.count)
      sealed.append(input.readable)
      if case .part = Self.look(at: input.readable) {} else { holdsRecord = true }
    }
    room.inputs.give(input)
  }

  /// Reads once; nil when there is more to open. Not more is read than fits when it is opened, as
  /// far as can be known.
  private mutating func receive(
    _ input: inout ByteBuffer, _ most: Int, from socket: borrowing Descriptor
  ) -> TLSSession.Step? {
    let records = max(1, most / TLSSession.recordBytes)
    var wanted = most + records * RecordCipher.overhead - input.count
    if case .part(let missing) = Self.look(at: input.readable) { wanted = max(wanted, missing) }
    input.compact()
    wanted = min(wanted, input.space)
    do throws(SystemError) {
      switch try Syscalls.receive(from: socket, into: &input, atMost: wanted) {
      case .bytes(let count):
        hasDrainedSocket = count < wanted
        return nil
      case .wouldBlock:
        hasDrainedSocket = true
        return .wantsRead
      case .endOfStream:
        // Without a close_notify: it was cut.
        return end(.failed)
      }
    } catch {
      return end(.failed)
    }
  }

  private mutating func end(_ step: TLSSession.Step) -> TLSSession.Step {
    verdict = step
    return step
  }

  /// What stands at the front of what has come.
  private enum Front {
    /// So many bytes at least are missing of a record.
    case part(missing: Int)
    /// A record with so many bytes behind its header.
    case record(count: Int)
    case fault(Alert)
  }

  private static func look(at input: Span<UInt8>) -> Front {
    guard input.count >= RecordCipher.headerBytes else {
      return .part(missing: RecordCipher.headerBytes - input.count)
    }
    // The version is nobody's affair (RFC 8446 §5.1).
    guard input[0] == RecordCipher.outerType else { return .fault(.unexpectedMessage) }
    let count = Int(input[3]) << 8 | Int(input[4])
    guard count <= TLSSession.recordBytes + 256 else { return .fault(.recordOverflow) }
    guard count >= RecordCipher.tagBytes else { return .fault(.badRecordMAC) }
    let missing = RecordCipher.headerBytes + count - input.count
    return missing > 0 ? .part(missing: missing) : .record(count: count)
  }

  /// Opens what is there and fits, so that `buffer` has `limit` bytes at most; nil when nothing has
  /// come of it yet.
  private mutating func openRecords(
    _ input: inout ByteBuffer, into buffer: inout ByteBuffer, upTo limit: Int
  ) -> TLSSession.Step? {
    let before = buffer.count
    var records = 0
    while buffer.count < limit, records < Self.turnLimit || buffer.count == before {
      records += 1
      switch Self.look(at: input.readable) {
      case .part: return buffer.count > before ? .done : nil
      case .fault(let alert): fail(alert)
      case .record(let count):
        // One that may not fit waits until there is room, if it does not come first.
        let content = count - 1 - RecordCipher.tagBytes
        if buffer.count > before, content > limit - buffer.count { return .done }
        if opening.open(&input, count: count) {
          take(input.readable, count, into: &buffer, upTo: limit)
        } else {
          fail(.badRecordMAC)
        }
        input.consume(RecordCipher.headerBytes + count)
      }
      if let verdict { return buffer.count > before ? .done : verdict }
    }
    return .done
  }

  /// Takes what is in the record at the front of `input`, that was opened.
  private mutating func take(
    _ input: Span<UInt8>, _ count: Int, into buffer: inout ByteBuffer, upTo limit: Int
  ) {
    let inner = input.extracting(
      RecordCipher.headerBytes..<RecordCipher.headerBytes + count - RecordCipher.tagBytes)
    // The type is the last byte that is not 0 (RFC 8446 §5.4).
    var end = inner.count
    while end > 0, inner[end - 1] == 0 { end -= 1 }
    guard end > 0 else { return fail(.unexpectedMessage) }
    guard end - 1 <= TLSSession.recordBytes else { return fail(.recordOverflow) }
    let content = inner.extracting(first: end - 1)
    switch inner[end - 1] {
    case ContentType.applicationData where keyUpdateCount == 0:
      takeData(content, into: &buffer, upTo: limit)
    case ContentType.alert where keyUpdateCount == 0: takeAlert(content)
    case ContentType.handshake: takeHandshake(content)
    default: fail(.unexpectedMessage)
    }
  }

  private mutating func takeData(
    _ content: Span<UInt8>, into buffer: inout ByteBuffer, upTo limit: Int
  ) {
    guard !content.isEmpty else { return countVain() }
    vain = 0
    let fitting = min(content.count, limit - buffer.count)
    buffer.append(content.extracting(first: fitting))
    guard fitting < content.count else { return }
    opened = ByteBuffer(capacity: content.count - fitting)
    opened.append(content.extracting(droppingFirst: fitting))
  }

  private mutating func countVain() {
    vain += 1
    if vain > Self.vainLimit { fail(.unexpectedMessage) }
  }

  private mutating func takeAlert(_ content: Span<UInt8>) {
    guard content.count == 2 else {
      return fail(content.isEmpty ? .unexpectedMessage : .decodeError)
    }
    // Its first byte says how grave it is, and is nobody's affair any more (RFC 8446 §6).
    switch Alert(rawValue: content[1]) {
    case .closeNotify: verdict = .ended
    case .userCanceled: countVain()
    default: verdict = .failed
    }
  }

  private mutating func takeHandshake(_ content: Span<UInt8>) {
    guard !content.isEmpty else { return fail(.unexpectedMessage) }
    for i in content.indices {
      let known = Int(keyUpdateCount)
      if known < Self.keyUpdate.count {
        guard content[i] == Self.keyUpdate[known] else {
          return fail(known == 0 ? .unexpectedMessage : .decodeError)
        }
        keyUpdateCount += 1
        continue
      }
      // Whatever comes behind it comes under the new key, and so in another record.
      guard i == content.count - 1 else { return fail(.unexpectedMessage) }
      guard content[i] <= 1 else { return fail(.illegalParameter) }
      keyUpdateCount = 0
      renew()
      // Behind our end nothing is said, and so needs no key.
      if content[i] == 1, !hasSaidEnd { owesRenewal = true }
    }
  }

  private mutating func renew() {
    renewals += 1
    guard renewals <= TLSSession.renewalLimit else { return fail(.unexpectedMessage) }
    if !opening.renew() { fail(.internalError) }
  }

  private mutating func answerRenewal(_ socket: borrowing Descriptor) {
    owesRenewal = false
    var output = room.outputs.take()
    let isDone = renewSealing(&output) && send(&output, to: socket)
    room.outputs.give(output)
    if !isDone { verdict = .failed }
  }

  private mutating func fail(_ alert: Alert) {
    verdict = .failed
    fault = alert
  }

  /// Tells the client why nothing more is heard of it. What came before was heard, and may have been
  /// answered meanwhile: behind this there is nothing, nor is this behind our end.
  private mutating func tellWhy(_ socket: borrowing Descriptor) {
    guard let alert = fault.take(), !hasSaidEnd else { return }
    _ = say(alert, level: 2, to: socket)
  }

  // MARK: Writing

  /// All that was sealed is the kernel's.
  var isFlushed: Bool { unsent.isEmpty }

  /// Sends from the front of `first` and `second`, in records; answers how many were taken: all that
  /// the kernel did not take of those is kept, then `isFlushed` is false.
  ///
  /// - Parameters:
  ///   - beginning: what the first record has at most.
  ///   - more: more is written at once, and the peer need not see the last of these before.
  /// - Returns: Nil when the connection is of no use any more.
  mutating func write(
    _ first: Span<UInt8>, _ second: Span<UInt8>, beginning: Int, more: Bool,
    to socket: borrowing Descriptor
  ) -> Int? {
    let count = first.count + second.count
    var taken = 0
    var size = min(beginning, recordBytes)
    while taken < count, isFlushed {
      var output = room.outputs.take()
      var isDone = true
      while isDone, taken < count, output.space >= Self.sealedBytes + Self.renewalBytes {
        let end = min(taken + size, count)
        let middle = first.count
        isDone = seal(
          first.extracting(min(taken, middle)..<min(end, middle)),
          second.extracting(max(taken, middle) - middle..<max(end, middle) - middle), &output)
        taken = end
        size = recordBytes
      }
      isDone = isDone && send(&output, more: more || taken < count, to: socket)
      room.outputs.give(output)
      guard isDone else { return nil }
    }
    return taken
  }

  /// Goes on sending what is kept.
  mutating func flush(to socket: borrowing Descriptor) -> TLSSession.Step {
    guard !unsent.isEmpty else { return .done }
    do throws(SystemError) {
      if try Syscalls.send(&unsent, to: socket) > 0 { hasFlushed = true }
    } catch {
      return .failed
    }
    guard unsent.isEmpty else { return .wantsWrite }
    unsent = ByteBuffer()
    return .done
  }

  /// Tells the peer that nothing more will come.
  mutating func sayEnd(to socket: borrowing Descriptor) -> TLSSession.Step {
    if !hasSaidEnd {
      hasSaidEnd = true
      guard say(.closeNotify, level: 1, to: socket) else { return .failed }
    }
    return isFlushed ? .done : .wantsWrite
  }

  private mutating func say(
    _ alert: Alert, level: UInt8, to socket: borrowing Descriptor
  ) -> Bool {
    let content: InlineArray<2, UInt8> = [level, alert.rawValue]
    var output = room.outputs.take()
    let isDone =
      sealing.seal(content.span, Span(), as: ContentType.alert, into: &output)
      && send(&output, to: socket)
    room.outputs.give(output)
    return isDone
  }

  private mutating func seal(
    _ first: Span<UInt8>, _ second: Span<UInt8>, _ output: inout ByteBuffer
  ) -> Bool {
    if sealing.count >= room.sealingLimit, !renewSealing(&output) { return false }
    return sealing.seal(first, second, as: ContentType.applicationData, into: &output)
  }

  /// Says that the next record comes under another key.
  private mutating func renewSealing(_ output: inout ByteBuffer) -> Bool {
    let last: InlineArray<1, UInt8> = [0]
    return sealing.seal(Self.keyUpdate.span, last.span, as: ContentType.handshake, into: &output)
      && sealing.renew()
  }

  /// Sends records behind those that are kept.
  private mutating func send(
    _ output: inout ByteBuffer, more: Bool = false, to socket: borrowing Descriptor
  ) -> Bool {
    if unsent.isEmpty {
      do throws(SystemError) {
        _ = try Syscalls.send(&output, to: socket, more: more)
      } catch {
        return false
      }
    }
    guard !output.isEmpty else { return true }
    var kept = ByteBuffer(capacity: unsent.count + output.count)
    kept.append(unsent.readable)
    kept.append(output.readable)
    unsent = kept
    return true
  }
}
