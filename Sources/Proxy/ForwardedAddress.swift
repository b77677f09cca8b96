import Configuration
import HTTP
import Network

/// Whose request it is, as far as proxies that are trusted tell.
struct ForwardedAddress: Sendable {
  private let field: FieldName
  /// In lower case.
  private let name: [UInt8]
  private let isRecursive: Bool

  init(_ settings: ClientAddress) {
    let name = Array(settings.header.lowercased().utf8)
    self.name = name
    field = FieldName(name.span, Slice(0..<name.count))
    isRecursive = settings.isRecursive
  }

  /// Walks the addresses of the field from the last to the first while those who named them are
  /// trusted: each proxy vouches for one entry only, the one that it has added. Unless it is
  /// recursive, the walk ends with the first step.
  ///
  /// nginx: `real_ip_header`, `real_ip_recursive`. An entry that cannot be read ends the walk.
  ///
  /// Inlined: a call would hold the arrays here and of `snapshot`, and all workers count the holders.
  @inline(__always) func find(
    in fields: borrowing FieldTable, of bytes: Span<UInt8>, peer: IPAddress,
    trustedBy snapshot: Snapshot
  ) -> IPAddress {
    var address = peer
    guard fields.contains(field) else { return address }
    var index = fields.count
    while index > 0 {
      index -= 1
      guard fields[index].id == field, !fields[index].isDropped,
        field != .other
          || CaselessText.isSame(name.span, bytes.extracting(fields[index].name.range))
      else { continue }
      let value = bytes.extracting(fields[index].value.range)
      var end = Self.endOfEntry(value, before: value.count)
      while end > 0 {
        var start = end
        while start > 0, !Self.isSeparator(value[start - 1]) { start -= 1 }
        let entry = value.extracting(start..<end)
        guard let entry = SocketAddress.parse(entry, defaultPort: 0)?.address else {
          return address
        }
        address = entry
        guard isRecursive, snapshot.trusts(entry) else { return address }
        end = Self.endOfEntry(value, before: start)
      }
    }
    return address
  }

  /// Where the entry ends that is the last before `end`; 0 when there is none.
  private static func endOfEntry(_ value: Span<UInt8>, before end: Int) -> Int {
    var end = end
    while end > 0, isSeparator(value[end - 1]) { end -= 1 }
    return end
  }

  /// nginx takes blanks for commas.
  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
