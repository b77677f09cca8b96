import HTTP
import Memory

extension Snapshot {
  /// A member of a line of the log, with a comma in front.
  static func member(_ key: String, _ name: String) -> [UInt8] {
    let bytes = name.utf8.span
    var text = ByteBuffer(capacity: name.utf8.count * 6 + 64)
    text.append(text: ",\"\(key)\":\"")
    text.append(escaped: bytes, Slice(0..<bytes.count), limit: 128)
    text.append("\"")
    let member = text.readable
    return member.indices.map { member[$0] }
  }
}
