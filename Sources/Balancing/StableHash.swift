/// A hash that is the same in every process and on every machine, so that all workers and
/// replicas send one key to one server. Fast and well mixed; no defence against chosen keys: a
/// client that picks its key picks at most its own server.
public enum StableHash {
  /// Odd constants with evenly spread bits, as in wyhash.
  private static var secret0: UInt64 { 0xA076_1D64_78BD_642F }
  private static var secret1: UInt64 { 0xE703_7ED1_A0B4_28DB }

  public static func of(_ bytes: Span<UInt8>) -> UInt64 {
    let count = bytes.count
    var hash = UInt64(count) &* 0x9E37_79B9_7F4A_7C15 ^ secret1
    var i = 0
    while i < count {
      var word: UInt64 = 0
      let end = min(i + 8, count)
      while i < end {
        word = word << 8 | UInt64(bytes[i])
        i += 1
      }
      hash = mixed(hash, word)
    }
    return mixed(hash, secret1)
  }

  public static func of(_ text: String) -> UInt64 { of(text.utf8.span) }

  /// One hash out of two, the order mattering.
  public static func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ secret0).multipliedFullWidth(by: b ^ secret1)
    var hash = product.high ^ product.low ^ a
    hash = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
    return hash ^ hash >> 29
  }
}
