/// A response's status line and fields, as places in the bytes they were read from
/// (RFC 9112 §4).
///
/// Reused from response to response: nothing is allocated. What it says holds only after
/// `parse` has answered true, and only with the same bytes beneath it.
public struct ResponseHead: ~Copyable {
  /// Bytes of the head, its empty line included.
  public private(set) var length = 0
  public private(set) var version = Version.http11
  /// 100…599.
  public private(set) var status: UInt16 = 0
  /// May be empty.
  public private(set) var reason = Slice.empty
  public private(set) var framing = ResponseFraming.none
  /// Content-Length as it was sent, also where no body follows (HEAD, 304).
  public private(set) var contentLength: UInt64?
  /// Whether the connection outlives the exchange, for all that the server says
  /// (RFC 9112 §9.3).
  public private(set) var isPersistent = false
  /// The value of the first Upgrade, when Connection has the option for it (RFC 9110 §7.8).
  public private(set) var upgrade: Slice?
  /// Whether this is a 101 to the WebSocket protocol (RFC 6455 §4.2.2).
  public private(set) var upgradesToWebSocket = false
  public private(set) var fields = FieldTable()

  public init() {}

  /// Keeps a field out of what is forwarded.
  public mutating func dropField(at index: Int) { fields.drop(at: index) }

  /// Whether another response follows to the same request (RFC 9110 §15.2).
  public var isInterim: Bool { status < 200 && status != 101 }

  /// Reads the head at the front of `bytes`, the answer to a request with `requestMethod`.
  ///
  /// - Returns: false when its end is not here yet.
  public mutating func parse(
    _ bytes: Span<UInt8>, limits: HeadLimits, requestMethod: Method
  ) throws(Malformed) -> Bool {
    fields.clear()
    guard let lineEnd = try readStatusLine(bytes, limits) else { return false }
    guard
      let end = try FieldSection.read(
        bytes, from: lineEnd, limits: limits, dropsUnderscores: false, into: &fields)
    else { return false }
    length = end
    try readFraming(bytes, requestMethod)
    try readConnection(bytes)
    return true
  }

  /// `HTTP-version SP status-code SP [reason-phrase] CRLF` (RFC 9112 §4).
  @inline(__always) private mutating func readStatusLine(
    _ bytes: Span<UInt8>, _ limits: HeadLimits
  ) throws(Malformed) -> Int? {
    guard let version = try Version.read(bytes, from: 0) else { return nil }
    self.version = version
    var i = 8
    status = 0
    while i < 13, i < bytes.count {
      let byte = bytes[i]
      if i == 8 || i == 12 {
        guard byte == ASCII.space else { throw Malformed(.statusLine, at: i) }
      } else {
        guard ASCII.isDigit(byte) else { throw Malformed(.status, at: i) }
        status = status &* 10 &+ UInt16(byte &- ASCII.zero)
      }
      i &+= 1
    }
    guard i == 13 else { return nil }
    guard status >= 100, status < 600 else { throw Malformed(.status, at: 9) }
    while i < bytes.count, ASCII.isFieldContent(bytes[i]) { i &+= 1 }
    guard i &+ 1 < bytes.count else {
      let room = min(limits.lineBytes &+ 2, limits.headBytes)
      guard bytes.count < room else { throw Malformed(.statusLineTooLong, at: room) }
      guard i == bytes.count || bytes[i] == ASCII.cr else { throw reasonFault(bytes, i) }
      return nil
    }
    guard bytes[i] == ASCII.cr else { throw reasonFault(bytes, i) }
    guard bytes[i &+ 1] == ASCII.lf else { throw Malformed(.bareCR, at: i) }
    guard i <= limits.lineBytes else { throw Malformed(.statusLineTooLong, at: limits.lineBytes) }
    reason = Slice(13..<i)
    return i &+ 2
  }

  private func reasonFault(_ bytes: Span<UInt8>, _ i: Int) -> Malformed {
    Malformed(bytes[i] == ASCII.lf ? .bareLF : .statusLine, at: i)
  }

  /// RFC 9112 §6.3.
  private mutating func readFraming(
    _ bytes: Span<UInt8>, _ requestMethod: Method
  ) throws(Malformed) {
    let isChunked = try FramingFields.isChunked(bytes, fields, version: version)
    contentLength = try FramingFields.contentLength(bytes, fields)
    if status < 200 || status == 204 {
      // RFC 9110 §8.6, RFC 9112 §6.1: neither field may be there. A length of 0 deceives
      // nobody; anything else would be read as the next response.
      guard !isChunked, contentLength ?? 0 == 0 else {
        throw Malformed(.bodyForbidden, at: length)
      }
      framing = .none
    } else if status == 304 || requestMethod == .head {
      framing = .none
    } else if isChunked {
      framing = .chunked
    } else if let contentLength {
      framing = .length(contentLength)
    } else {
      framing = .untilClose
    }
  }

  private mutating func readConnection(_ bytes: Span<UInt8>) throws(Malformed) {
    var options = ConnectionOptions()
    if fields.contains(.connection) {
      options = try ConnectionOptions.read(bytes, &fields, refusesEndToEnd: false)
    }
    isPersistent =
      framing != .untilClose && !options.close && (version == .http11 || options.keepAlive)
    upgrade = nil
    upgradesToWebSocket = false
    guard options.upgrade, let field = fields.first(.upgrade) else { return }
    upgrade = field.value
    upgradesToWebSocket = status == 101 && ShortName(bytes, field.value).isWebSocket
  }
}
