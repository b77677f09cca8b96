import HTTP
import Testing

struct PlainCountTests {
  /// Neighbours of all that is not plain, and bytes that differ from it in the highest bit alone.
  @Test(arguments: UInt8.min...UInt8.max)
  func `the first byte that JSON would not take as it is ends the count, wherever it stands`(
    byte: UInt8
  ) {
    let isPlain = byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c
    for length in 1...20 {
      for place in 0..<length {
        var text = Array(repeating: UInt8(ascii: "~"), count: length)
        text[place] = byte
        // What stands in front of the text and behind it does not matter.
        for around in [[], Array("\"0123456\"".utf8)] {
          let bytes = around + text + around
          let start = around.count
          let count = bytes.span.plainCount(from: start, to: start + length)
          #expect(count == (isPlain ? length : place))
        }
      }
    }
  }

  @Test func `nothing is plain where there is nothing`() {
    #expect([UInt8]().span.plainCount(from: 0, to: 0) == 0)
    #expect(Array("abc".utf8).span.plainCount(from: 2, to: 2) == 0)
  }
}
