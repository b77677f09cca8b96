/// Finds the data in a chunked body (RFC 9112 §7.1), wherever the body is cut into pieces.
///
/// A small value: what it remembers between pieces are a state and a few numbers. Chunk
/// extensions are checked, counted and passed over, never handed on: software disagrees on
/// where one ends.
public struct ChunkedDecoder: Sendable {
  public enum Event: Equatable, Sendable {
    /// Bytes of the body, never none.
    case data(Slice)
    /// A trailer field that may be passed on.
    case trailer(Field)
    /// All is read that can be: more bytes are needed. Those behind the position, the beginning
    /// of a trailer line, are to be offered again with what follows them.
    case needsMore
    /// The body is complete; what follows the position belongs to the next message.
    case end
  }

  private enum State: UInt8 {
    case size, sizeLF
    case beforeExtension, nameStart, name, afterName, valueStart, value, quoted, quotedPair
    case afterQuoted
    case data, dataCR, dataLF
    case trailers, finished
  }

  /// The most bytes that all extensions of one body may take.
  public static var extensionBytesLimit: Int { 4096 }
  /// The most bytes, and fields, of the trailers of one body.
  public static var trailerBytesLimit: Int { 4096 }
  public static var trailersLimit: Int { 32 }

  private var state = State.size
  private var digits: UInt8 = 0
  private var trailers: UInt8 = 0
  private var extensionBytes: UInt16 = 0
  private var trailerBytes: UInt16 = 0
  /// Bytes of the present chunk that are still to come.
  private var remaining: UInt64 = 0
  /// Trailers that were read and not handed on.
  public private(set) var droppedTrailers: UInt8 = 0

  public init() {}

  public var isFinished: Bool { state == .finished }
  /// All data has been read: nothing but trailers, and the line that ends them, follows.
  public var isPastData: Bool { state == .trailers || state == .finished }

  /// Reads on from `position` and moves it behind what was read.
  ///
  /// - Throws: at the first byte that nothing after it could make valid. Whatever follows on
  ///   the connection cannot be told from a message any more.
  public mutating func next(
    _ bytes: Span<UInt8>, at position: inout Int
  ) throws(Malformed) -> Event {
    while position < bytes.count {
      switch state {
      case .data:
        let count = Int(min(remaining, UInt64(bytes.count &- position)))
        let slice = Slice(position..<(position &+ count))
        position &+= count
        remaining &-= UInt64(count)
        if remaining == 0 { state = .dataCR }
        return .data(slice)
      case .dataCR:
        guard bytes[position] == ASCII.cr else { throw Malformed(.chunkEnd, at: position) }
        state = .dataLF
        position &+= 1
      case .dataLF:
        guard bytes[position] == ASCII.lf else { throw Malformed(.chunkEnd, at: position) }
        state = .size
        digits = 0
        position &+= 1
      case .size, .sizeLF:
        try readSize(bytes[position], at: position)
        position &+= 1
      case .trailers:
        let start = position
        if let field = try readTrailer(bytes, &position) { return .trailer(field) }
        if position == start { return .needsMore }
      case .finished:
        return .end
      case .beforeExtension, .nameStart, .name, .afterName, .valueStart, .value, .quoted,
        .quotedPair, .afterQuoted:
        guard extensionBytes < Self.extensionBytesLimit else {
          throw Malformed(.chunkExtensionsTooLong, at: position)
        }
        extensionBytes &+= 1
        state = try Self.extensionState(after: state, bytes[position], at: position)
        position &+= 1
      }
    }
    return state == .finished ? .end : .needsMore
  }

  private mutating func readSize(_ byte: UInt8, at position: Int) throws(Malformed) {
    if state == .sizeLF {
      guard byte == ASCII.lf else { throw Malformed(.bareCR, at: position) }
      state = remaining == 0 ? .trailers : .data
      return
    }
    if let digit = ASCII.hexadecimal(byte) {
      // 15 digits, leading zeros too: the size fits an Int.
      guard digits < 15 else { throw Malformed(.chunkTooLarge, at: position) }
      remaining = digits == 0 ? UInt64(digit) : remaining &<< 4 | UInt64(digit)
      digits &+= 1
      return
    }
    guard digits > 0 else { throw Malformed(.chunkSize, at: position) }
    switch byte {
    case ASCII.cr: state = .sizeLF
    case ASCII.semicolon: state = .nameStart
    case ASCII.space, ASCII.tab: state = .beforeExtension
    case ASCII.lf: throw Malformed(.bareLF, at: position)
    default: throw Malformed(.chunkSize, at: position)
    }
  }

  /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1).
  private static func extensionState(
    after state: State, _ byte: UInt8, at position: Int
  ) throws(Malformed) -> State {
    let isBlank = ASCII.isBlank(byte)
    let isToken = ASCII.isToken(byte)
    switch state {
    case .beforeExtension:
      if isBlank { return state }
      if byte == ASCII.semicolon { return .nameStart }
    case .nameStart:
      if isBlank { return state }
      if isToken { return .name }
    case .name:
      if isToken { return state }
      if isBlank { return .afterName }
      if byte == ASCII.equals { return .valueStart }
      if byte == ASCII.semicolon { return .nameStart }
      if byte == ASCII.cr { return .sizeLF }
    case .afterName:
      if isBlank { return state }
      if byte == ASCII.equals { return .valueStart }
      if byte == ASCII.semicolon { return .nameStart }
    case .valueStart:
      if isBlank { return state }
      if isToken { return .value }
      if byte == ASCII.quote { return .quoted }
    case .value, .afterQuoted:
      if isToken, state == .value { return state }
      if isBlank { return .beforeExtension }
      if byte == ASCII.semicolon { return .nameStart }
      if byte == ASCII.cr { return .sizeLF }
    case .quoted:
      if byte == ASCII.quote { return .afterQuoted }
      if byte == ASCII.backslash { return .quotedPair }
      if ASCII.isFieldContent(byte) { return state }
    case .quotedPair:
      if ASCII.isFieldContent(byte) { return .quoted }
    case .size, .sizeLF, .data, .dataCR, .dataLF, .trailers, .finished:
      preconditionFailure("not in an extension")
    }
    throw Malformed(byte == ASCII.lf ? .bareLF : .chunkExtension, at: position)
  }

  /// Reads one line of the trailers, or the empty one that ends the body.
  ///
  /// - Returns: the field if it may be passed on. The position stays when the line is not all
  ///   here.
  private mutating func readTrailer(
    _ bytes: Span<UInt8>, _ position: inout Int
  ) throws(Malformed) -> Field? {
    let room = Self.trailerBytesLimit &- Int(trailerBytes)
    switch try FieldSection.readLine(bytes, from: position, dropsUnderscores: true) {
    case .incomplete:
      // Room for the empty line is always left.
      guard bytes.count &- position < room &+ 2 else {
        throw Malformed(.trailersTooLong, at: position)
      }
      return nil
    case .end:
      position &+= 2
      state = .finished
      return nil
    case .field(let field, let end):
      guard end &- position <= room, trailers < Self.trailersLimit else {
        throw Malformed(.trailersTooLong, at: position)
      }
      trailerBytes &+= UInt16(end &- position)
      trailers &+= 1
      position = end
      // RFC 9110 §6.5.1: fields that frame, route, authenticate, ask for or describe content
      // must not come as trailers; all that `FieldName` knows are of these kinds.
      guard field.id == .other, field.isForwarded else {
        droppedTrailers &+= 1
        return nil
      }
      return field
    }
  }
}
