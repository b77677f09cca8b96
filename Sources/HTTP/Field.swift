/// One `name: value` of a head.
public struct Field: Equatable, Sendable, BitwiseCopyable {
  public let name: Slice
  /// Without the whitespace around it (RFC 9110 §5.5).
  public let value: Slice
  public let id: FieldName
  var marks: UInt8

  static let hopByHop: UInt8 = 1
  static let dropped: UInt8 = 2
  static let edited: UInt8 = 4

  @inline(__always) init(name: Slice, value: Slice, id: FieldName, marks: UInt8 = 0) {
    self.name = name
    self.value = value
    self.id = id
    self.marks = marks | (id.isHopByHop ? Self.hopByHop : 0)
  }

  /// Whether the field is for the next recipient only: by its name, or because `Connection`
  /// names it (RFC 9110 §7.6.1).
  public var isHopByHop: Bool { marks & Self.hopByHop != 0 }

  /// Whether the field is to be passed over as if it had not been sent: its name holds a `_`,
  /// which WSGI does not tell from `-`.
  public var isDropped: Bool { marks & Self.dropped != 0 }

  /// Whether the field goes on to the other side.
  public var isForwarded: Bool { marks == 0 }
}
