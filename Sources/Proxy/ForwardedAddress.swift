import HTTP
import Network

/// Whose request it is, as far as proxies that are trusted tell.
enum ForwardedAddress {
  /// Walks the addresses of X-Forwarded-For from the last to the first while those who named
  /// them are trusted: each proxy vouches for one entry only, the one that it has added.
  ///
  /// nginx: `real_ip_recursive on`. An entry that cannot be read ends the walk.
  static func find(
    in fields: borrowing FieldTable, of bytes: Span<UInt8>, peer: IPAddress,
    trusted: [AddressBlock]
  ) -> IPAddress {
    var address = peer
    var index = fields.count
    while index > 0 {
      index -= 1
      guard fields[index].id == .xForwardedFor else { continue }
      let value = bytes.extracting(fields[index].value.range)
      var end = value.count
      while end > 0 {
        var start = end
        while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
        guard let entry = parse(value.extracting(start..<end)) else { return address }
        address = entry
        guard trusted.contains(where: { $0.contains(entry) }) else { return address }
        end = start - 1
      }
    }
    return address
  }

  private static func parse(_ entry: Span<UInt8>) -> IPAddress? {
    var start = 0
    var end = entry.count
    while start < end, entry[start] == 32 || entry[start] == 9 { start += 1 }
    while end > start, entry[end - 1] == 32 || entry[end - 1] == 9 { end -= 1 }
    return SocketAddress.parse(entry.extracting(start..<end), defaultPort: 0)?.address
  }
}
