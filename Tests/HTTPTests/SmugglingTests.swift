import HTTP
import Testing

/// Heads by which one parser was made to see another message than the next: none passes.
@Suite struct SmugglingTests {
  private static let start = "POST / HTTP/1.1\r\nHost: a\r\n"

  static let heads: [HeadRow] = [
    // CL.TE and TE.CL
    HeadRow("both", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndCoding),
    HeadRow("both", "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n", .lengthAndCoding),
    HeadRow(
      "both, length 0", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", .lengthAndCoding),
    HeadRow(
      "both, no coding", "Transfer-Encoding: x\r\nContent-Length: 6\r\n\r\n", .lengthAndCoding),
    // TE.TE: one of two parsers does not see the field, or not the coding
    HeadRow("x chunked", "Transfer-Encoding: xchunked\r\n\r\n", .transferEncoding),
    HeadRow("space before colon", "Transfer-Encoding : chunked\r\n\r\n", .spaceBeforeColon),
    HeadRow("tab before colon", "Transfer-Encoding\t: chunked\r\n\r\n", .spaceBeforeColon),
    HeadRow(
      "two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
      .transferEncodingRepeated),
    HeadRow(
      "two fields", "Transfer-Encoding: x\r\nTransfer-encoding: chunked\r\n\r\n",
      .transferEncodingRepeated),
    HeadRow("vertical tab", "Transfer-Encoding: \u{b}chunked\r\n\r\n", .fieldValue),
    HeadRow("form feed", "Transfer-Encoding: chunked\u{c}\r\n\r\n", .fieldValue),
    HeadRow("line in front", " Transfer-Encoding: chunked\r\n\r\n", .fold),
    HeadRow("folded value", "Transfer-Encoding:\r\n chunked\r\n\r\n", .fold),
    HeadRow("folded name", "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n", .fold),
    HeadRow("quotes", "Transfer-Encoding: 'chunked'\r\n\r\n", .transferEncoding),
    HeadRow("quotes", "Transfer-Encoding: \"chunked\"\r\n\r\n", .transferEncoding),
    HeadRow("comma behind", "Transfer-Encoding: chunked,\r\n\r\n", .transferEncoding),
    HeadRow("comma in front", "Transfer-Encoding: , chunked\r\n\r\n", .transferEncoding),
    HeadRow("identity too", "Transfer-Encoding: chunked, identity\r\n\r\n", .transferEncoding),
    HeadRow("identity too", "Transfer-Encoding: identity, chunked\r\n\r\n", .transferCodingUnknown),
    HeadRow("cow", "Transfer-Encoding: cow\r\n\r\n", .transferEncoding),
    HeadRow("LF within", "X: y\nTransfer-Encoding: chunked\r\n\r\n", .bareLF),
    HeadRow("CR within", "X: y\rTransfer-Encoding: chunked\r\n\r\n", .bareCR),
    HeadRow("NUL in the name", "Transfer\u{0}Encoding: chunked\r\n\r\n", .fieldName),
    HeadRow("NUL in the value", "Transfer-Encoding: chunked\u{0}\r\n\r\n", .fieldValue),
    HeadRow("NUL before the coding", "Transfer-Encoding: \u{0}chunked\r\n\r\n", .fieldValue),
    HeadRow("no colon", "Transfer-Encoding chunked\r\n\r\n", .spaceBeforeColon),
    HeadRow("backspace", "Transfer-Encoding: chunked\u{8}\r\n\r\n", .fieldValue),
    HeadRow("no-break space", "Transfer-Encoding:\u{a0}chunked\r\n\r\n", .transferEncoding),
    HeadRow("dotless", "Transfer-Encodıng: chunked\r\n\r\n", .fieldName),
    HeadRow("long s", "Tranſfer-Encoding: chunked\r\n\r\n", .fieldName),
    // Lengths that two parsers read differently
    HeadRow("two", "Content-Length: 6\r\nContent-Length: 5\r\n\r\n", .contentLengthRepeated),
    HeadRow("two alike", "Content-Length: 6\r\nContent-Length: 6\r\n\r\n", .contentLengthRepeated),
    HeadRow("0 first", "Content-Length: 0\r\nContent-Length: 44\r\n\r\n", .contentLengthRepeated),
    HeadRow("list", "Content-Length: 6, 5\r\n\r\n", .contentLength),
    HeadRow("plus", "Content-Length: +6\r\n\r\n", .contentLength),
    HeadRow("minus", "Content-Length: -0\r\n\r\n", .contentLength),
    HeadRow("underscore, as Python reads", "Content-Length: 1_0\r\n\r\n", .contentLength),
    HeadRow("hexadecimal", "Content-Length: 0x6\r\n\r\n", .contentLength),
    HeadRow("decimal point", "Content-Length: 6.0\r\n\r\n", .contentLength),
    HeadRow("exponent", "Content-Length: 6e0\r\n\r\n", .contentLength),
    HeadRow("overflow", "Content-Length: 18446744073709551622\r\n\r\n", .contentLength),
    HeadRow("space before colon", "Content-Length : 6\r\n\r\n", .spaceBeforeColon),
    HeadRow("folded", "Content-Length:\r\n 6\r\n\r\n", .fold),
    HeadRow("quoted", "Content-Length: \"6\"\r\n\r\n", .contentLength),
    HeadRow("empty", "Content-Length: \r\n\r\n", .contentLength),
    // The end of the head
    HeadRow("LF LF", "X: y\n\nGET /b HTTP/1.1\r\n\r\n", .bareLF),
    HeadRow("LF CRLF", "X: y\n\r\n", .bareLF),
    HeadRow("CRLF LF", "X: y\r\n\n", .bareLF),
    HeadRow("CR CR LF", "X: y\r\r\n\r\n", .bareCR),
    HeadRow("CRLF CR CR", "X: y\r\n\r\rX", .bareCR),
    HeadRow("space line", "X: y\r\n \r\n\r\n", .fold),
    // Two hosts, two routes
    HeadRow("two hosts", "Host: b\r\n\r\n", .hostRepeated),
    HeadRow("host with space", "Host : b\r\n\r\n", .spaceBeforeColon),
    HeadRow("folded host", " Host: b\r\n\r\n", .fold),
    // Taking away what a proxy has added
    HeadRow("hop", "Connection: close, X-Forwarded-For\r\n\r\n", .connectionNamesEndToEnd),
    HeadRow(
      "hop", "Connection: close, Content-Length\r\nContent-Length: 6\r\n\r\n",
      .connectionNamesEndToEnd),
    HeadRow("hop", "Connection: close, X-Real-IP\r\n\r\n", .connectionNamesEndToEnd),
    HeadRow("hop", "Connection: Authorization\r\n\r\n", .connectionNamesEndToEnd),
  ]

  @Test(arguments: heads)
  func `no head that two parsers could read differently passes`(_ row: HeadRow) {
    #expect(readRequest(Self.start + row.head).failure?.reason == row.fault)
  }

  @Test(
    arguments: heads.filter { row in ![.hostRepeated, .connectionNamesEndToEnd].contains(row.fault)
    })
  func `nor does it from a server`(_ row: HeadRow) {
    #expect(readResponse("HTTP/1.1 200 OK\r\n" + row.head).failure?.reason == row.fault)
  }

  @Test func `a name with _ is not taken for the one with a hyphen`() throws {
    let head = try #require(
      try readRequest(Self.start + "Content_Length: 6\r\nTransfer_Encoding: chunked\r\n\r\n").get())
    #expect(head.framing == .none)
    #expect(head.fields.map(\.isDropped) == [false, true, true])
  }

  @Test(arguments: [
    // A body that one side ends earlier than the other
    ("a CR alone ends no size", "5\rX\r\nhello\r\n0\r\n\r\n", Fault.bareCR),
    ("an LF alone ends no size", "5\nhello\r\n0\r\n\r\n", .bareLF),
    ("an LF alone ends no extension", "5;a\nhello\r\n0\r\n\r\n", .bareLF),
    ("an LF hides in no quoted string", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", .bareLF),
    ("data ends where the size says", "5\r\nhello!\r\n0\r\n\r\n", .chunkEnd),
    ("data ends in CRLF", "5\r\nhello\n0\r\n\r\n", .chunkEnd),
    ("data ends in CRLF", "5\r\nhello0\r\n\r\n", .chunkEnd),
    ("a size has no sign", "+5\r\nhello\r\n0\r\n\r\n", .chunkSize),
    ("a size has no sign", "-5\r\nhello\r\n0\r\n\r\n", .chunkSize),
    ("a size has no prefix", "0x5\r\nhello\r\n0\r\n\r\n", .chunkSize),
    ("a size has no space in front", " 5\r\nhello\r\n0\r\n\r\n", .chunkSize),
    ("a size has no space behind", "5 \r\nhello\r\n0\r\n\r\n", .chunkExtension),
    ("a size has no underscore", "1_0\r\nhello\r\n0\r\n\r\n", .chunkSize),
    ("a size does not overflow", "10000000000000005\r\nhello\r\n0\r\n\r\n", .chunkTooLarge),
    ("the last chunk is one", "\r\n", .chunkSize),
    ("trailers end in CRLF", "0\r\nA: b\n\r\n", .bareLF),
    ("trailers are not folded", "0\r\nA: b\r\n c\r\n\r\n", .fold),
  ])
  func `no body that two parsers could end differently passes`(
    rule: String, body: String, fault: Fault
  ) {
    #expect(decode(Array(body.utf8)).fault == fault, "\(rule)")
  }
}
