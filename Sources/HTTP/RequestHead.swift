/// A request's first line and fields, as places in the bytes they were read from (RFC 9112 §3).
///
/// Reused from request to request: nothing is allocated. What it says holds only after `parse`
/// has answered true, and only with the same bytes beneath it.
public struct RequestHead: ~Copyable {
  /// Bytes of the head, its empty line and one empty line before it included.
  public private(set) var length = 0
  public private(set) var method = Method.other
  public private(set) var methodSlice = Slice.empty
  /// The target as it was sent.
  public private(set) var target = Slice.empty
  public private(set) var targetForm = TargetForm.origin
  /// The target's path: empty for an absolute target without one, `*` for the asterisk form.
  public private(set) var path = Slice.empty
  /// What stands behind the target's first `?`; nil without one.
  public private(set) var query: Slice?
  public private(set) var version = Version.http11
  /// Host, or the authority of an absolute target in HTTP/1.0; nil when neither is there.
  public private(set) var host: Slice?
  /// `host` without its port and without the final dot of a rooted name; brackets stay.
  public private(set) var hostName = Slice.empty
  public private(set) var framing = RequestFraming.none
  /// Whether the connection outlives the exchange, for all that the client says
  /// (RFC 9112 §9.3).
  public private(set) var isPersistent = false
  /// Whether the client holds its body back until it hears 100 (RFC 9110 §10.1.1). False
  /// without a body, and in HTTP/1.0.
  public private(set) var expectsContinue = false
  /// The value of the first Upgrade, when Connection has the option for it (RFC 9110 §7.8).
  public private(set) var upgrade: Slice?
  /// Whether this is a GET without a body that asks for a WebSocket (RFC 6455 §4.1).
  public private(set) var upgradesToWebSocket = false
  public private(set) var fields = FieldTable()

  public init() {}

  /// Keeps a field out of what is forwarded.
  public mutating func dropField(at index: Int) { fields.drop(at: index) }

  /// Reads the head at the front of `bytes`.
  ///
  /// - Returns: false when its end is not here yet. `HeadEnd` tells cheaply when it is worth
  ///   asking again.
  public mutating func parse(
    _ bytes: Span<UInt8>, limits: HeadLimits
  ) throws(Refusal) -> Bool {
    do throws(Malformed) {
      return try read(bytes, limits)
    } catch {
      throw Refusal(error)
    }
  }

  private mutating func read(
    _ bytes: Span<UInt8>, _ limits: HeadLimits
  ) throws(Malformed) -> Bool {
    fields.clear()
    guard let line = try RequestLine.read(bytes, limits: limits) else { return false }
    guard
      let end = try FieldSection.read(
        bytes, from: line.end, limits: limits, dropsUnderscores: true, into: &fields)
    else { return false }
    length = end
    method = line.method
    methodSlice = line.methodSlice
    target = line.target
    version = line.version
    try readTargetAndHost(bytes, line)
    try readFraming(bytes)
    try readConnection(bytes)
    try readExpectation(bytes)
    return true
  }

  /// RFC 9112 §3.2, §3.2.2; RFC 9110 §7.2.
  @inline(__always) private mutating func readTargetAndHost(
    _ bytes: Span<UInt8>, _ line: RequestLine
  ) throws(Malformed) {
    var pathStart = Int(target.start)
    var targetAuthority: Slice?
    var defaultPort: UInt32 = 80
    if bytes[pathStart] == ASCII.slash {
      targetForm = .origin
    } else if bytes[pathStart] == ASCII.asterisk {
      guard method == .options, target.count == 1 else {
        throw Malformed(.targetForm, at: pathStart)
      }
      targetForm = .asterisk
    } else {
      targetForm = .absolute
      let schemeLength = Self.schemeLength(bytes, target)
      guard schemeLength > 0 else { throw Malformed(.targetForm, at: pathStart) }
      if schemeLength == 8 { defaultPort = 443 }
      let start = pathStart &+ schemeLength
      var i = start
      while i < line.queryMark, bytes[i] != ASCII.slash { i &+= 1 }
      targetAuthority = Slice(start..<i)
      pathStart = i
    }
    path = Slice(pathStart..<line.queryMark)
    query = line.queryMark < target.end ? Slice(line.queryMark &+ 1..<target.end) : nil

    guard !fields.isRepeated(.host) else {
      throw Malformed(.hostRepeated, at: Int(fields.first(.host)?.value.start ?? 0))
    }
    host = fields.first(.host)?.value
    guard host != nil || version == .http10 else { throw Malformed(.hostMissing, at: length) }
    var named: Authority?
    if let host { named = try Authority.read(bytes, host) }
    if let targetAuthority {
      let authority = try Authority.read(bytes, targetAuthority)
      if let named {
        guard Authority.areEqual(named, authority, bytes, defaultPort: defaultPort) else {
          throw Malformed(.hostDiffers, at: Int(targetAuthority.start))
        }
      } else {
        host = targetAuthority
        named = authority
      }
    }
    hostName = named?.name ?? .empty
  }

  private mutating func readFraming(_ bytes: Span<UInt8>) throws(Malformed) {
    if try FramingFields.isChunked(bytes, fields, version: version) {
      framing = .chunked
    } else if let length = try FramingFields.contentLength(bytes, fields) {
      framing = .length(length)
    } else {
      framing = .none
    }
  }

  private mutating func readConnection(_ bytes: Span<UInt8>) throws(Malformed) {
    var options = ConnectionOptions()
    if fields.contains(.connection) {
      options = try ConnectionOptions.read(bytes, &fields, refusesEndToEnd: true)
    }
    isPersistent = !options.close && (version == .http11 || options.keepAlive)
    upgrade = nil
    upgradesToWebSocket = false
    // RFC 9110 §7.8: without the option it is for somebody else; in HTTP/1.0 it is ignored.
    guard options.upgrade, version == .http11, let field = fields.first(.upgrade) else { return }
    upgrade = field.value
    guard method == .get, !framing.hasBody else { return }
    var index = 0
    while let found = fields.next(.upgrade, from: index), !upgradesToWebSocket {
      upgradesToWebSocket = Self.offersWebSocket(bytes, fields[found].value)
      index = found &+ 1
    }
  }

  /// RFC 9110 §10.1.1.
  @inline(__always) private mutating func readExpectation(_ bytes: Span<UInt8>) throws(Malformed) {
    expectsContinue = false
    guard fields.contains(.expect) else { return }
    var index = 0
    while let found = fields.next(.expect, from: index) {
      let value = fields[found].value
      guard ShortName(bytes, value).isContinue else {
        throw Malformed(.expectation, at: Int(value.start))
      }
      index = found &+ 1
    }
    expectsContinue = version == .http11 && framing.hasBody
  }

  /// The length of `http://` or `https://` at the front of the target; 0 for anything else.
  private static func schemeLength(_ bytes: Span<UInt8>, _ target: Slice) -> Int {
    let scheme = ShortName(bytes, Int(target.start), min(Int(target.count), 8))
    // Or-ing 0x20 makes no other visible character a colon, slash or letter: 0x1a and 0x0f are
    // controls, and only upper-case letters become letters.
    if scheme.first == 0x2f2f_3a73_7074_7468 { return 8 }
    return scheme.first & 0xff_ffff_ffff_ffff == 0x2f_2f3a_7074_7468 ? 7 : 0
  }

  /// Whether `websocket` is among the protocols (RFC 9110 §7.8, RFC 6455 §4.2.1).
  private static func offersWebSocket(_ bytes: Span<UInt8>, _ protocols: Slice) -> Bool {
    var list = ListReader(protocols)
    while let element = list.next(bytes) {
      if ShortName(bytes, element).isWebSocket { return true }
    }
    return false
  }
}
