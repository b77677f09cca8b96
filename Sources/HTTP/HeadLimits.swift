/// How much of a head is read before it is refused.
public struct HeadLimits: Equatable, Sendable {
  /// The request line, or the status line, without its CRLF. Beyond it: 414 (RFC 9112 §3).
  public var lineBytes: Int
  /// The whole head with its empty line. Beyond it: 431 (RFC 6585 §5).
  public var headBytes: Int
  /// Field lines, dropped ones included; at most `FieldTable.capacity`. Beyond it: 431.
  public var fields: Int

  public init(lineBytes: Int = 8 << 10, headBytes: Int = 32 << 10, fields: Int = 100) {
    precondition(fields <= FieldTable.capacity)
    self.lineBytes = lineBytes
    self.headBytes = headBytes
    self.fields = fields
  }
}
