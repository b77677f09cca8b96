import HTTP

private func ok(_ lines: String...) -> String {
  "HTTP/1.1 200 OK\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

private func line(_ line: String) -> String { line + "\r\nContent-Length: 0\r\n\r\n" }

/// Every rule that a response head is held to, each refusal with its accepted neighbours.
enum ResponseHeadRows {
  static let all: [HeadRow] = [
    HeadRow("RFC 9112 §4 a status line", line("HTTP/1.1 200 OK")),
    HeadRow("RFC 9112 §4 an empty reason", line("HTTP/1.1 200 ")),
    HeadRow("RFC 9112 §4 a reason with spaces", line("HTTP/1.1 404 Not  Found ")),
    HeadRow("RFC 9112 §4 obs-text in a reason", line("HTTP/1.1 404 Für immer")),
    HeadRow("RFC 9112 §4 the second space", line("HTTP/1.1 200"), .statusLine),
    HeadRow("RFC 9112 §4 three digits", line("HTTP/1.1 20 OK"), .status),
    HeadRow("RFC 9112 §4 three digits", line("HTTP/1.1 2000 OK"), .statusLine),
    HeadRow("RFC 9112 §4 digits", line("HTTP/1.1 2x0 OK"), .status),
    HeadRow("RFC 9112 §4 single spaces", line("HTTP/1.1  200 OK"), .status),
    HeadRow("RFC 9112 §4 no tab", line("HTTP/1.1\t200 OK"), .statusLine),
    HeadRow("RFC 9110 §15 100…599", line("HTTP/1.1 599 x")),
    HeadRow("RFC 9110 §15 100…599", line("HTTP/1.1 600 x"), .status),
    HeadRow("RFC 9110 §15 100…599", line("HTTP/1.1 099 x"), .status),
    HeadRow("RFC 9112 §4 no control byte", line("HTTP/1.1 200 O\u{0}K"), .statusLine),
    HeadRow("RFC 9112 §2.2 no bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n", .bareLF),
    HeadRow("RFC 9112 §2.2 no bare CR", "HTTP/1.1 200 OK\rA: b\r\n\r\n", .bareCR),
    HeadRow("RFC 9112 §2.2 no empty line before", line("\r\nHTTP/1.1 200 OK"), .version),
    HeadRow("RFC 9112 §2.3 HTTP/1.0", line("HTTP/1.0 200 OK")),
    HeadRow("RFC 9112 §2.3 HTTP/2", line("HTTP/2.0 200 OK"), .versionNotSupported),
    HeadRow("RFC 9112 §2.3 HTTP/0.9 has none", "<html>\r\n\r\n", .version),
    HeadRow("RFC 9112 §2.3 ICY", line("ICY 200 OK"), .version),
    HeadRow("RFC 9112 §2.3 case matters", line("http/1.1 200 OK"), .version),

    HeadRow("RFC 9112 §5.2 obs-fold", ok("A: b", " c"), .fold),
    HeadRow("RFC 9112 §5.1 a space before the colon", ok("A : b"), .spaceBeforeColon),
    HeadRow("RFC 9110 §5.1 a name", ok(": b"), .fieldName),
    HeadRow("RFC 9110 §5.5 no NUL", ok("A: \u{0}"), .fieldValue),
    HeadRow("RFC 9112 §2.2 no bare LF", ok("A: b\nC: d"), .bareLF),
    HeadRow("RFC 9110 §5.1 a name with _", ok("A_b: c")),

    HeadRow("RFC 9112 §6.3 until it closes", ok("A: b")),
    HeadRow("RFC 9112 §6.2 a length", ok("Content-Length: 5")),
    HeadRow("RFC 9110 §8.6 digits", ok("Content-Length: 5 "), nil),
    HeadRow("RFC 9110 §8.6 digits", ok("Content-Length: five"), .contentLength),
    HeadRow("RFC 9110 §8.6 no list", ok("Content-Length: 5, 5"), .contentLength),
    HeadRow(
      "RFC 9112 §6.3 repeated", ok("Content-Length: 5", "Content-Length: 5"),
      .contentLengthRepeated),
    HeadRow("RFC 9112 §6.1 chunked", ok("Transfer-Encoding: chunked")),
    HeadRow(
      "RFC 9112 §6.1 an unknown coding", ok("Transfer-Encoding: gzip, chunked"),
      .transferCodingUnknown),
    HeadRow("RFC 9112 §6.3 not final", ok("Transfer-Encoding: gzip"), .transferEncoding),
    HeadRow(
      "RFC 9112 §6.1 repeated", ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
      .transferEncodingRepeated),
    HeadRow(
      "RFC 9112 §6.3 both", ok("Transfer-Encoding: chunked", "Content-Length: 5"),
      .lengthAndCoding),
    HeadRow(
      "RFC 9112 §6.1 in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      .transferEncodingIn10),
    HeadRow("RFC 9110 §8.6 204 announces no body", "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n"),
    HeadRow(
      "RFC 9110 §8.6 204 announces no body", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n",
      .bodyForbidden),
    HeadRow(
      "RFC 9112 §6.1 204 is not chunked", "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
      .bodyForbidden),
    HeadRow(
      "RFC 9110 §8.6 nor does 1xx", "HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n", .bodyForbidden),
    HeadRow("RFC 9110 §8.6 304 may say how long", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"),
    HeadRow("RFC 9110 §7.6.1 tokens", ok("Connection: a b"), .connection),
    HeadRow("RFC 9110 §7.6.1 what is for all stays", ok("Connection: Set-Cookie, close")),
  ]
}
