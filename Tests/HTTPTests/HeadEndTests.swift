import HTTP
import Testing

@Suite struct HeadEndTests {
  @Test(arguments: RequestHeadRows.all.filter { $0.fault == nil })
  func `the end of a head is seen with its last byte, however it arrives`(_ row: HeadRow) {
    let bytes = Array(row.head.utf8)
    for searched in 0..<bytes.count {
      for count in searched..<bytes.count {
        #expect(!isPresent(bytes, count: count, searched: searched))
      }
      #expect(isPresent(bytes, count: bytes.count, searched: searched))
    }
  }

  @Test(arguments: ["A: b\n\n", "A: b\n\r\n", "A: b\r\n\n"])
  func `a bare LF is a reason to look, for it is refused at once`(text: String) {
    let bytes = Array(text.utf8)
    #expect(isPresent(bytes, count: bytes.count, searched: 0))
  }

  @Test func `a request line that is too long is refused before it ends`() {
    let limits = HeadLimits(lineBytes: 20, headBytes: 60)
    #expect(status(String(repeating: "a", count: 23), limits) == nil)
    #expect(status(String(repeating: "a", count: 24), limits) == 414)
    #expect(status("GET / HTTP/1.1\r\n" + String(repeating: "a", count: 43), limits) == nil)
    #expect(status("GET / HTTP/1.1\r\n" + String(repeating: "a", count: 44), limits) == 431)
  }

  @Test func `a head that arrives byte by byte is refused where it passes a limit`() {
    let limits = HeadLimits(lineBytes: 20, headBytes: 60)
    let bytes = Array(repeating: UInt8(ascii: "a"), count: 100)
    var count = 0
    var status: UInt16?
    do throws(Refusal) {
      while count < 100 {
        count += 1
        _ = try HeadEnd.find(
          in: bytes.span.extracting(0..<count), searched: count - 1, limits: limits)
      }
    } catch {
      status = error.status
    }
    #expect(count == 24)
    #expect(status == 414)
  }

  private func isPresent(_ bytes: [UInt8], count: Int, searched: Int) -> Bool {
    HeadEnd.isPresent(in: bytes.span.extracting(0..<count), searched: searched)
  }

  private func status(_ text: String, _ limits: HeadLimits) -> UInt16? {
    let bytes = Array(text.utf8)
    do throws(Refusal) {
      let isPresent = try HeadEnd.find(in: bytes.span, searched: 0, limits: limits)
      #expect(!isPresent)
      return nil
    } catch {
      return error.status
    }
  }
}
