/// Room for the longest written address, brackets and port included, where it is put together.
struct AddressText {
  private var bytes = InlineArray<48, UInt8>(repeating: 0)
  private var count = 0

  mutating func append(_ byte: UInt8) {
    bytes[count] = byte
    count += 1
  }

  mutating func append(decimal number: UInt32) {
    var power: UInt32 = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      append(UInt8(0x30 + number / power % 10))
      power /= 10
    }
  }

  /// As RFC 5952 §4 has it: lower case, no leading zeros, the first longest run of two or more
  /// zero groups left out.
  mutating func append(_ address: IPAddress) {
    if let bits = address.v4Bits {
      for i in 0..<4 as Range<UInt32> {
        if i > 0 { append(0x2E) }
        append(decimal: bits >> (24 - 8 * i) & 0xFF)
      }
      return
    }
    let gap = AddressText.longestZeros(in: address)
    var i = 0
    while i < 8 {
      if i == gap.lowerBound, gap.count >= 2 {
        append(0x3A)
        append(0x3A)
        i = gap.upperBound
        continue
      }
      if i > 0, i != gap.upperBound || gap.count < 2 { append(0x3A) }
      append(hexadecimal: AddressText.group(i, of: address))
      i += 1
    }
  }

  private mutating func append(hexadecimal group: UInt16) {
    var shift: UInt16 = 12
    while shift > 0, group >> shift == 0 { shift -= 4 }
    while true {
      let nibble = UInt8(group >> shift & 15)
      append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
      if shift == 0 { return }
      shift -= 4
    }
  }

  private static func group(_ i: Int, of address: IPAddress) -> UInt16 {
    let half = i < 4 ? address.high : address.low
    return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (i & 3)))
  }

  private static func longestZeros(in address: IPAddress) -> Range<Int> {
    var best = 0..<0
    var i = 0
    while i < 8 {
      var end = i
      while end < 8, group(end, of: address) == 0 { end += 1 }
      if end - i > best.count { best = i..<end }
      i = end + 1
    }
    return best
  }

  func write(into output: inout OutputSpan<UInt8>) {
    for i in 0..<count { output.append(bytes[i]) }
  }

  var string: String {
    var text = ""
    text.reserveCapacity(count)
    for i in 0..<count { text.unicodeScalars.append(Unicode.Scalar(bytes[i])) }
    return text
  }
}
