/// Tells whether the end of a head has come, so that a head which arrives in pieces is not
/// parsed anew with each of them.
public enum HeadEnd {
  /// Whether an empty line stands in `bytes`, of which the first `searched` were looked at
  /// before.
  ///
  /// A line that ends in a bare LF counts too: `parse` refuses it at once, and waiting for a
  /// proper end would be waiting for the limit. True is a reason to parse, not a promise.
  public static func isPresent(in bytes: Span<UInt8>, searched: Int) -> Bool {
    // The empty line may begin up to two bytes before what is new: LF CR | LF.
    var i = max(searched &- 2, 0)
    while true {
      while i &+ 8 <= bytes.count {
        let word = bytes.word(at: i)
        let marks = (word & ~.highBits).equals(ASCII.lf) & ~word
        guard marks == 0 else {
          i &+= marks.firstMarked
          break
        }
        i &+= 8
      }
      while i < bytes.count, bytes[i] != ASCII.lf { i &+= 1 }
      guard i &+ 1 < bytes.count else { return false }
      if bytes[i &+ 1] == ASCII.lf { return true }
      if bytes[i &+ 1] == ASCII.cr, i &+ 2 < bytes.count, bytes[i &+ 2] == ASCII.lf {
        return true
      }
      i &+= 1
    }
  }

  /// The same for a request, and whether more has come than its head may hold.
  ///
  /// - Throws: 414 when the request line alone is too long, 431 when the head is.
  public static func find(
    in bytes: Span<UInt8>, searched: Int, limits: HeadLimits
  ) throws(Refusal) -> Bool {
    if isPresent(in: bytes, searched: searched) { return true }
    let lineRoom = min(limits.lineBytes &+ 4, limits.headBytes)
    if searched < lineRoom, bytes.count >= lineRoom {
      // Only once, when the limit is passed: the line either ended before it or never will.
      var i = 2
      while i < lineRoom, bytes[i] != ASCII.lf { i &+= 1 }
      guard i < lineRoom else { throw Refusal(.targetTooLong, at: lineRoom) }
    }
    guard bytes.count < limits.headBytes else {
      throw Refusal(.headTooLong, at: limits.headBytes)
    }
    return false
  }
}
