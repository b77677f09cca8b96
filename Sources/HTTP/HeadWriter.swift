public import Memory

/// Writes a head into a buffer, line by line, and remembers when one did not fit: `end` tells,
/// so that nobody sends half a head and nobody traps on a large one.
///
///     var head = HeadWriter()
///     head.statusLine(200, to: &buffer)
///     head.copyFields(response.fields, from: bytes, except: [.date], to: &buffer)
///     guard head.end(&buffer) else { … }  // and the buffer is as it was
///
/// Values are written as they are: what comes from outside has passed `FieldSection`.
public struct HeadWriter: Sendable {
  /// Whether something did not fit; all later calls do nothing.
  @usableFromInline var overflowed = false
  /// What the buffer held before this head; negative until something is written.
  @usableFromInline var start = -1

  public init() {}

  // MARK: First lines

  /// `HTTP/1.1`, the status and its usual reason phrase.
  public mutating func statusLine(_ status: UInt16, to buffer: inout ByteBuffer) {
    let reason = ReasonPhrase.of(status)
    guard takes(15 &+ reason.utf8CodeUnitCount, &buffer) else { return }
    buffer.append("HTTP/1.1 ")
    buffer.append(decimal: UInt64(status))
    buffer.append(ASCII.space)
    buffer.append(reason)
    buffer.append("\r\n")
  }

  /// `HTTP/1.1`, the status and a reason phrase that a server gave.
  public mutating func statusLine(
    _ status: UInt16, reason: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    guard takes(15 &+ reason.count, &buffer) else { return }
    buffer.append("HTTP/1.1 ")
    buffer.append(decimal: UInt64(status))
    buffer.append(ASCII.space)
    buffer.append(reason)
    buffer.append("\r\n")
  }

  /// The first line of a request passed on: the target as it was sent, an absolute one in
  /// origin form (RFC 9112 §3.2.1), and `HTTP/1.1`.
  public mutating func requestLine(
    _ head: borrowing RequestHead, from bytes: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    requestLine(
      head, by: bytes.extracting(head.methodSlice.range), isOptions: head.method == .options,
      from: bytes, to: &buffer)
  }

  /// The same by GET or HEAD, for a request that goes on as another one.
  public mutating func requestLine(
    _ head: borrowing RequestHead, by method: Span<UInt8>, from bytes: Span<UInt8>,
    to buffer: inout ByteBuffer
  ) {
    // RFC 9112 §3.2.4: only OPTIONS has a target of no path.
    if head.targetForm == .asterisk {
      requestLine(method: method, target: "/".utf8.span, to: &buffer)
    } else {
      requestLine(head, by: method, isOptions: false, from: bytes, to: &buffer)
    }
  }

  private mutating func requestLine(
    _ head: borrowing RequestHead, by method: Span<UInt8>, isOptions: Bool,
    from bytes: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    guard head.targetForm == .absolute else {
      requestLine(method: method, target: bytes.extracting(head.target.range), to: &buffer)
      return
    }
    let rest = bytes.extracting(Int(head.path.start)..<head.target.end)
    guard head.path.isEmpty else {
      requestLine(method: method, target: rest, to: &buffer)
      return
    }
    guard takes(method.count &+ rest.count &+ 13, &buffer) else { return }
    buffer.append(method)
    // RFC 9112 §3.2.4: OPTIONS for no path at all is OPTIONS for the whole server.
    if isOptions, head.query == nil {
      buffer.append(" *")
    } else {
      buffer.append(" /")
      buffer.append(rest)
    }
    buffer.append(" HTTP/1.1\r\n")
  }

  public mutating func requestLine(
    method: Span<UInt8>, target: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    guard takes(method.count &+ target.count &+ 12, &buffer) else { return }
    buffer.append(method)
    buffer.append(ASCII.space)
    buffer.append(target)
    buffer.append(" HTTP/1.1\r\n")
  }

  // MARK: Fields

  // In line where the name is a constant, so that it is copied as one.
  @inlinable @inline(__always) public mutating func field(
    _ name: StaticString, _ value: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    guard takes(name.utf8CodeUnitCount &+ value.count &+ 4, &buffer) else { return }
    buffer.append(name)
    buffer.append(": ")
    buffer.append(value)
    buffer.append("\r\n")
  }

  /// A value that has something of ours in front.
  public mutating func field(
    _ name: StaticString, prefix: StaticString, _ value: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    let count = name.utf8CodeUnitCount &+ prefix.utf8CodeUnitCount &+ value.count &+ 4
    guard takes(count, &buffer) else { return }
    buffer.append(name)
    buffer.append(": ")
    buffer.append(prefix)
    buffer.append(value)
    buffer.append("\r\n")
  }

  @inlinable @inline(__always) public mutating func field(
    _ name: StaticString, _ value: StaticString, to buffer: inout ByteBuffer
  ) {
    let count = name.utf8CodeUnitCount &+ value.utf8CodeUnitCount &+ 4
    guard takes(count, &buffer) else { return }
    buffer.append(name)
    buffer.append(": ")
    buffer.append(value)
    buffer.append("\r\n")
  }

  public mutating func field(
    _ name: StaticString, decimal value: UInt64, to buffer: inout ByteBuffer
  ) {
    guard takes(name.utf8CodeUnitCount &+ 24, &buffer) else { return }
    buffer.append(name)
    buffer.append(": ")
    buffer.append(decimal: value)
    buffer.append("\r\n")
  }

  public mutating func field(
    _ name: Span<UInt8>, _ value: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    guard takes(name.count &+ value.count &+ 4, &buffer) else { return }
    buffer.append(name)
    buffer.append(": ")
    buffer.append(value)
    buffer.append("\r\n")
  }

  /// Bytes that end in CRLF and are whole field lines already.
  public mutating func lines(_ lines: Span<UInt8>, to buffer: inout ByteBuffer) {
    guard takes(lines.count, &buffer) else { return }
    buffer.append(lines)
  }

  /// One field written anew, `Name: value`, whatever whitespace stood around the value.
  public mutating func copy(
    _ field: Field, from bytes: Span<UInt8>, to buffer: inout ByteBuffer
  ) {
    if Self.isCanonical(field, bytes) {
      lines(bytes.extracting(Int(field.name.start)..<(field.value.end &+ 2)), to: &buffer)
    } else {
      self.field(
        bytes.extracting(field.name.range), bytes.extracting(field.value.range), to: &buffer)
    }
  }

  /// All fields that go on to the other side (`Field.isForwarded`) except those in `except`.
  public mutating func copyFields(
    _ fields: borrowing FieldTable, from bytes: Span<UInt8>, except: FieldNameSet,
    to buffer: inout ByteBuffer
  ) {
    // Lines that stand as we would write them are copied together with their neighbours.
    var start = 0
    var end = 0
    for i in 0..<fields.count {
      let field = fields[i]
      let passes = field.isForwarded && !except.contains(field.id)
      if passes, Self.isCanonical(field, bytes) {
        if start == end { start = Int(field.name.start) }
        end = field.value.end &+ 2
        continue
      }
      if start < end { lines(bytes.extracting(start..<end), to: &buffer) }
      start = end
      if passes { copy(field, from: bytes, to: &buffer) }
    }
    if start < end { lines(bytes.extracting(start..<end), to: &buffer) }
  }

  /// The empty line.
  ///
  /// - Returns: false when something did not fit; the buffer is then as it was before this head.
  public mutating func end(_ buffer: inout ByteBuffer) -> Bool {
    guard takes(2, &buffer) else {
      buffer.removeLast(buffer.count &- start)
      return false
    }
    buffer.append("\r\n")
    return true
  }

  /// Whether `count` more bytes fit.
  @inlinable @inline(__always) mutating func takes(
    _ count: Int, _ buffer: inout ByteBuffer
  ) -> Bool {
    if start < 0 { start = buffer.count }
    guard !overflowed, count <= buffer.space else {
      overflowed = true
      return false
    }
    return true
  }

  /// Whether the line reads `Name: value CRLF`, byte for byte.
  @inline(__always) private static func isCanonical(
    _ field: Field, _ bytes: Span<UInt8>
  ) -> Bool {
    Int(field.value.start) == field.name.end &+ 2 && bytes[field.name.end &+ 1] == ASCII.space
      && bytes[field.value.end] == ASCII.cr
  }
}
