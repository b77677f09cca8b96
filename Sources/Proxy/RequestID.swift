/// The id by which a request is found again in the logs of all who have seen it.
enum RequestID {
  static let lengthLimit = 128

  /// Whether an id that came with a request may be passed on and logged: short, and of
  /// characters that no log or shell takes for anything else.
  static func isSane(_ id: Span<UInt8>) -> Bool {
    guard id.count > 0, id.count <= lengthLimit else { return false }
    for i in id.indices {
      switch id[i] {
      case 48...57, 65...90, 97...122, 45, 46, 95, 58, 43, 47, 61: continue  // 0-9 A-Z a-z -._:+/=
      default: return false
      }
    }
    return true
  }
}
