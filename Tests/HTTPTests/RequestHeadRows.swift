import HTTP
import Testing

/// A head, the rule it is about, and what is wrong with it: nil for an accepted neighbour.
struct HeadRow: CustomTestStringConvertible, Sendable {
  let rule: String
  let head: String
  let fault: Fault?

  init(_ rule: String, _ head: String, _ fault: Fault? = nil) {
    self.rule = rule
    self.head = head
    self.fault = fault
  }

  var testDescription: String { "\(rule): \(head.debugDescription.prefix(160))" }
}

/// A GET whose Host is given, and whose further lines are.
private func get(_ lines: String...) -> String {
  "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

private func post(_ lines: String...) -> String {
  "POST / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

private func host(_ value: String) -> String {
  "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n"
}

private func line(_ line: String) -> String { line + "\r\nHost: a\r\n\r\n" }

/// Every rule that a request head is held to, each refusal with its accepted neighbours.
enum RequestHeadRows {
  static let firstLine: [HeadRow] = [
    HeadRow("RFC 9112 §3 a request line", line("GET / HTTP/1.1")),
    HeadRow("RFC 9112 §2.2 one empty line before it", line("\r\nGET / HTTP/1.1")),
    HeadRow("RFC 9112 §2.2 two empty lines", line("\r\n\r\nGET / HTTP/1.1"), .emptyLine),
    HeadRow("RFC 9112 §2.2 an empty line with a bare LF", line("\nGET / HTTP/1.1"), .bareLF),
    HeadRow("RFC 9112 §2.2 an empty line with a bare CR", line("\rGET / HTTP/1.1"), .bareCR),
    HeadRow("RFC 9112 §3 no space before the method", line(" GET / HTTP/1.1"), .spaces),
    HeadRow("RFC 9112 §3 a single space", line("GET  / HTTP/1.1"), .spaces),
    HeadRow("RFC 9112 §3 a single space", line("GET /  HTTP/1.1"), .spaces),
    HeadRow("RFC 9112 §3 no tab for a space", line("GET\t/ HTTP/1.1"), .method),
    HeadRow("RFC 9112 §3 no tab for a space", line("GET /\tHTTP/1.1"), .spaces),
    HeadRow("RFC 9112 §3 no trailing space", line("GET / HTTP/1.1 "), .spaces),
    HeadRow("RFC 9112 §2.2 no bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLF),
    HeadRow("RFC 9112 §2.2 no bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCR),
    HeadRow("RFC 9112 §2.3 no HTTP/0.9", line("GET /"), .versionMissing),
    HeadRow("RFC 9112 §2.3 no HTTP/0.9", "GET /\n", .bareLF),
    HeadRow("RFC 9112 §3 a method alone", line("GET"), .versionMissing),

    HeadRow("RFC 9110 §9.1 a method that we do not know", line("PROPFIND / HTTP/1.1")),
    HeadRow("RFC 9110 §9.1 a method is a token", line("M-SEARCH / HTTP/1.1")),
    HeadRow("RFC 9110 §9.1 a method is a token", line("G@T / HTTP/1.1"), .method),
    HeadRow("RFC 9110 §9.1 a method is a token", line("G\u{0}T / HTTP/1.1"), .method),
    HeadRow("RFC 9110 §9.1 a method is a token", line("GÉT / HTTP/1.1"), .method),
    HeadRow("RFC 9110 §9.1 case matters", line("get / HTTP/1.1"), .methodNotImplemented),
    HeadRow("RFC 9110 §9.1 case matters", line("GEt / HTTP/1.1"), .methodNotImplemented),
    HeadRow("RFC 9110 §9.3.6 no tunnels", line("CONNECT a:80 HTTP/1.1"), .methodNotImplemented),
    HeadRow("RFC 9110 §9.3.8 no echo", line("TRACE / HTTP/1.1"), .methodNotImplemented),
    HeadRow("a neighbour of TRACE", line("TRACES / HTTP/1.1")),
    HeadRow("RFC 9112 §3 32 bytes", line(String(repeating: "M", count: 32) + " / HTTP/1.1")),
    HeadRow(
      "RFC 9112 §3 33 bytes", line(String(repeating: "M", count: 33) + " / HTTP/1.1"),
      .methodTooLong),

    HeadRow("RFC 9110 §2.5 HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
    HeadRow("RFC 9110 §2.5 a later minor version", line("GET / HTTP/1.2")),
    HeadRow("RFC 9110 §15.6.6 another major version", line("GET / HTTP/2.0"), .versionNotSupported),
    HeadRow("RFC 9110 §15.6.6 another major version", line("GET / HTTP/0.9"), .versionNotSupported),
    HeadRow(
      "RFC 9113 §3.4 the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      .versionNotSupported),
    HeadRow("RFC 9112 §2.3 one digit each", line("GET / HTTP/1.10"), .version),
    HeadRow("RFC 9112 §2.3 one digit each", line("GET / HTTP/11.1"), .version),
    HeadRow("RFC 9112 §2.3 case matters", line("GET / http/1.1"), .version),
    HeadRow("RFC 9112 §2.3 the name", line("GET / HTTQ/1.1"), .version),
    HeadRow("RFC 9112 §2.3 a dot", line("GET / HTTP/1,1"), .version),
    HeadRow("RFC 9112 §2.3 nothing behind", line("GET / HTTP/1.1x"), .version),
    HeadRow("RFC 9112 §2.3 a digit", line("GET / HTTP/1.x"), .version),
    HeadRow("RFC 9112 §2.3 all of it", line("GET / HTTP/1."), .version),
  ]

  static let targets: [HeadRow] = [
    HeadRow("RFC 9112 §3.2.1 origin form", line("GET /a/b;c=d?e=f&g HTTP/1.1")),
    HeadRow("RFC 3986 §3.4 ? within a query", line("GET /?a?b/c HTTP/1.1")),
    HeadRow("WHATWG URL: browsers send these raw", line("GET /a|b?{\"c\":[1^2`<>\\] HTTP/1.1")),
    HeadRow("RFC 3986 §2.1 escapes are for who decodes", line("GET /%zz%00%2f HTTP/1.1")),
    HeadRow("RFC 3986 §3.5 no fragment", line("GET /a#b HTTP/1.1"), .target),
    HeadRow("RFC 3986 §3.5 no fragment", line("GET /aaaaaaaaaaaaaaaaaaaaa?b#b HTTP/1.1"), .target),
    HeadRow("RFC 3986 §2 visible ASCII only", line("GET /ä HTTP/1.1"), .target),
    HeadRow("RFC 3986 §2 visible ASCII only", line("GET /a\u{7f} HTTP/1.1"), .target),
    HeadRow("RFC 3986 §2 visible ASCII only", line("GET /\u{0} HTTP/1.1"), .target),
    HeadRow(
      "RFC 3986 §2 visible ASCII only", line("GET /aaaaaaaa\u{1f}aaaaaaaa HTTP/1.1"), .target),
    HeadRow("RFC 9112 §3.2 no space within", line("GET /a b HTTP/1.1"), .version),
    HeadRow("RFC 9112 §3.2 some form", line("GET a/b HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2 some form", line("GET ?a HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2.4 asterisk form", line("OPTIONS * HTTP/1.1")),
    HeadRow("RFC 9112 §3.2.4 for OPTIONS only", line("GET * HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2.4 alone", line("OPTIONS */ HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2.3 authority form", line("GET a:80 HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2.2 absolute form", line("GET http://a/b HTTP/1.1")),
    HeadRow("RFC 9112 §3.2.2 without a path", line("GET http://a HTTP/1.1")),
    HeadRow("RFC 9112 §3.2.2 without a path", line("GET http://a?b HTTP/1.1")),
    HeadRow("RFC 3986 §3.1 schemes ignore case", line("GET HttpS://A/ HTTP/1.1")),
    HeadRow("RFC 9110 §4.2 another scheme", line("GET ftp://a/ HTTP/1.1"), .targetForm),
    HeadRow("RFC 9110 §4.2 a scheme and no more", line("GET http:/a HTTP/1.1"), .targetForm),
    HeadRow("RFC 9112 §3.2.2 another host", line("GET http://b/ HTTP/1.1"), .hostDiffers),
    HeadRow("RFC 9112 §3.2.2 another port", line("GET http://a:8080/ HTTP/1.1"), .hostDiffers),
    HeadRow("RFC 9110 §4.2.3 the port of the scheme", line("GET http://a:80/ HTTP/1.1")),
    HeadRow("RFC 9110 §4.2.3 the port of the scheme", line("GET https://a:443/ HTTP/1.1")),
    HeadRow("RFC 9110 §4.2.3 not of the other", line("GET https://a:80/ HTTP/1.1"), .hostDiffers),
    HeadRow("RFC 9110 §4.2.4 no userinfo", line("GET http://u@a/ HTTP/1.1"), .host),
    HeadRow("RFC 9110 §4.2.1 no empty host", line("GET http:///b HTTP/1.1"), .host),
    HeadRow("RFC 9112 §3.2 Host all the same", "GET http://a/ HTTP/1.1\r\n\r\n", .hostMissing),
    HeadRow("RFC 9112 §3.2 not in HTTP/1.0", "GET http://a/ HTTP/1.0\r\n\r\n"),
  ]

  static let hosts: [HeadRow] = [
    HeadRow("RFC 9112 §3.2 Host", host("erp.example.com")),
    HeadRow("RFC 9112 §3.2 missing", "GET / HTTP/1.1\r\n\r\n", .hostMissing),
    HeadRow("RFC 9112 §3.2 repeated", get("Host: a"), .hostRepeated),
    HeadRow("RFC 9112 §3.2 repeated", get("HOST: b"), .hostRepeated),
    HeadRow("RFC 9112 §3.2 empty", host(""), .host),
    HeadRow("RFC 9112 §3.2 a list", host("a, b"), .host),
    HeadRow("RFC 3986 §3.2.2 docker's names", host("back_end-1:8000")),
    HeadRow("RFC 3986 §3.2.2 an IPv4 address", host("127.0.0.1")),
    HeadRow("RFC 1034 §3.1 a rooted name", host("a.b.")),
    HeadRow("RFC 1034 §3.1 the root itself", host("."), .host),
    HeadRow("nginx: no empty label", host("a..b"), .host),
    HeadRow("nginx: no empty label", host("a.."), .host),
    HeadRow("nginx: no empty label", host(".a"), .host),
    HeadRow("nginx: no slash", host("a/b"), .host),
    HeadRow("RFC 3986 §3.2.1 no userinfo", host("u@a"), .host),
    HeadRow("RFC 3986 §3.2.2 no escapes", host("a%2eb"), .host),
    HeadRow("RFC 3986 §3.2.2 no sub-delims", host("a;b"), .host),
    HeadRow("RFC 3986 §3.2.2 no space", host("a b"), .host),
    HeadRow("RFC 3986 §3.2.2 ASCII", host("ä"), .host),
    HeadRow("RFC 1035 §2.3.4 255 bytes", host(String(repeating: "a", count: 255))),
    HeadRow("RFC 1035 §2.3.4 256 bytes", host(String(repeating: "a", count: 256)), .host),
    HeadRow("RFC 3986 §3.2.3 a port", host("a:65535")),
    HeadRow("RFC 3986 §3.2.3 above 65535", host("a:65536"), .host),
    HeadRow("RFC 3986 §3.2.3 five digits", host("a:000080"), .host),
    HeadRow("RFC 3986 §3.2.3 not empty", host("a:"), .host),
    HeadRow("RFC 3986 §3.2.3 digits", host("a:8o"), .host),
    HeadRow("RFC 3986 §3.2.3 one port", host("a:80:80"), .host),
    HeadRow("RFC 3986 §3.2.3 no port alone", host(":80"), .host),
    HeadRow("RFC 3986 §3.2.2 IPv6", host("[::1]")),
    HeadRow("RFC 3986 §3.2.2 IPv6 with a port", host("[2001:db8::A]:8080")),
    HeadRow("RFC 3986 §3.2.2 eight groups", host("[1:2:3:4:5:6:7:8]")),
    HeadRow("RFC 3986 §3.2.2 IPv4 within", host("[::ffff:1.2.3.4]")),
    HeadRow("RFC 3986 §3.2.2 IPv4 within", host("[1:2:3:4:5:6:1.2.3.4]")),
    HeadRow("RFC 3986 §3.2.2 the unspecified address", host("[::]")),
    HeadRow("RFC 3986 §3.2.2 nothing", host("[]"), .host),
    HeadRow("RFC 3986 §3.2.2 seven groups", host("[1:2:3:4:5:6:7]"), .host),
    HeadRow("RFC 3986 §3.2.2 nine groups", host("[1:2:3:4:5:6:7:8:9]"), .host),
    HeadRow("RFC 3986 §3.2.2 nothing left out", host("[1:2:3:4::5:6:7:8]"), .host),
    HeadRow("RFC 3986 §3.2.2 two runs", host("[1::2::3]"), .host),
    HeadRow("RFC 3986 §3.2.2 three colons", host("[:::]"), .host),
    HeadRow("RFC 3986 §3.2.2 a colon at the end", host("[1:2:3:4:5:6:7:]"), .host),
    HeadRow("RFC 3986 §3.2.2 a colon in front", host("[:1:2:3:4:5:6:7]"), .host),
    HeadRow("RFC 3986 §3.2.2 five digits", host("[::12345]"), .host),
    HeadRow("RFC 3986 §3.2.2 IPv4 too early", host("[1.2.3.4::]"), .host),
    HeadRow("RFC 3986 §3.2.2 IPv4 above 255", host("[::1.2.3.256]"), .host),
    HeadRow("RFC 3986 §3.2.2 IPv4 with a zero", host("[::1.2.3.04]"), .host),
    HeadRow("RFC 3986 §3.2.2 IPv4 in part", host("[::1.2.3]"), .host),
    HeadRow("RFC 3986 §3.2.2 not closed", host("[::1"), .host),
    HeadRow("RFC 3986 §3.2.2 something behind", host("[::1]a"), .host),
    HeadRow("RFC 6874 no zone", host("[fe80::1%25eth0]"), .host),
    HeadRow("RFC 3986 §3.2.2 no IPvFuture", host("[v1.a]"), .host),
  ]

  static let lines: [HeadRow] = [
    HeadRow("RFC 9112 §5 a field", get("A: b")),
    HeadRow("RFC 9112 §5 an empty value", get("A:")),
    HeadRow("RFC 9110 §5.5 whitespace around the value", get("A:\t b \t ")),
    HeadRow("RFC 9110 §5.5 a tab within", get("A: b\tc")),
    HeadRow("RFC 9110 §5.5 obs-text", get("A: ä")),
    HeadRow("RFC 9110 §5.6.2 every tchar", get("!#$%&'*+-.^`|~09azAZ: b")),
    HeadRow("RFC 9112 §5.1 a space before the colon", get("A : b"), .spaceBeforeColon),
    HeadRow("RFC 9112 §5.1 a tab before the colon", get("A\t: b"), .spaceBeforeColon),
    HeadRow(
      "RFC 9112 §5.1 a space before the colon", get("Transfer-Encoding : chunked"),
      .spaceBeforeColon),
    HeadRow("RFC 9112 §5.2 obs-fold", get("A: b", " c"), .fold),
    HeadRow("RFC 9112 §5.2 obs-fold with a tab", get("A: b", "\tc: d"), .fold),
    HeadRow("RFC 9112 §2.2 before the first field", line("GET / HTTP/1.1\r\n A: b"), .fold),
    HeadRow("RFC 9112 §5.2 a line of blanks", get("A: b", " "), .fold),
    HeadRow("RFC 9110 §5.1 no empty name", get(": b"), .fieldName),
    HeadRow("RFC 9112 §5 no line without a colon", get("A"), .fieldName),
    HeadRow("RFC 9110 §5.1 a token", get("A(: b"), .fieldName),
    HeadRow("RFC 9110 §5.1 a token", get("Ä: b"), .fieldName),
    HeadRow("RFC 9110 §5.1 a token", get("A\u{0}: b"), .fieldName),
    HeadRow("RFC 9110 §5.1 a token", get("aaaaaaaaaaaaaaaa@aaaaaaaa: b"), .fieldName),
    HeadRow("RFC 9110 §5.5 no NUL", get("A: b\u{0}c"), .fieldValue),
    HeadRow("RFC 9110 §5.5 no control byte", get("A: b\u{1}"), .fieldValue),
    HeadRow("RFC 9110 §5.5 no control byte", get("A: aaaaaaaaaaaaaaa\u{1b}aaaaaaa"), .fieldValue),
    HeadRow("RFC 9110 §5.5 no DEL", get("A: b\u{7f}"), .fieldValue),
    HeadRow("RFC 9110 §5.5 no DEL", get("A: aaaaaaaaaaaaaaa\u{7f}aaaaaaa"), .fieldValue),
    HeadRow("RFC 9110 §5.5 obs-text", get("A: aaaaaaaaaaaaaÀ\u{80}\u{ff}aaaaaaa")),
    HeadRow("RFC 9112 §2.2 no bare CR", get("A: b\rc"), .bareCR),
    HeadRow("RFC 9112 §2.2 no bare CR", get("A: b\r"), .bareCR),
    HeadRow("RFC 9112 §2.2 no bare LF", get("A: b\nX: c"), .bareLF),
    HeadRow("RFC 9112 §2.2 no bare LF", get("A: aaaaaaaaaaaaaaaa\nX: c"), .bareLF),
    HeadRow("RFC 9112 §2.2 no bare LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLF),
    HeadRow("RFC 9112 §2.2 no bare CR", "GET / HTTP/1.1\r\nHost: a\r\n\rA", .bareCR),
  ]

  static let framing: [HeadRow] = [
    HeadRow("RFC 9112 §6.2 a length", post("Content-Length: 5")),
    HeadRow("RFC 9112 §6.2 no body", post("Content-Length: 0")),
    HeadRow("RFC 9110 §8.6 1*DIGIT", post("Content-Length: 005")),
    HeadRow("RFC 9110 §8.6 18 digits", post("Content-Length: 999999999999999999")),
    HeadRow("RFC 9110 §8.6 19 digits", post("Content-Length: 1000000000000000000"), .contentLength),
    HeadRow("RFC 9110 §8.6 empty", post("Content-Length:"), .contentLength),
    HeadRow("RFC 9110 §8.6 a sign", post("Content-Length: +5"), .contentLength),
    HeadRow("RFC 9110 §8.6 a sign", post("Content-Length: -5"), .contentLength),
    HeadRow("RFC 9110 §8.6 hexadecimal", post("Content-Length: 0x5"), .contentLength),
    HeadRow("RFC 9110 §8.6 a space", post("Content-Length: 1 0"), .contentLength),
    HeadRow("RFC 9110 §8.6 another script's digit", post("Content-Length: ５"), .contentLength),
    HeadRow("RFC 9110 §8.6 a list", post("Content-Length: 5, 5"), .contentLength),
    HeadRow(
      "RFC 9112 §6.3 repeated", post("Content-Length: 5", "Content-Length: 5"),
      .contentLengthRepeated),
    HeadRow(
      "RFC 9112 §6.3 differing", post("Content-Length: 5", "content-length: 6"),
      .contentLengthRepeated),
    HeadRow("RFC 9112 §6.1 chunked", post("Transfer-Encoding: chunked")),
    HeadRow("RFC 9112 §7 codings ignore case", post("Transfer-Encoding: ChunKed")),
    HeadRow("RFC 9112 §6.1 chunked with a space behind", post("Transfer-Encoding: chunked ")),
    HeadRow(
      "RFC 9112 §6.1 an unknown coding", post("Transfer-Encoding: gzip, chunked"),
      .transferCodingUnknown),
    HeadRow("RFC 9112 §6.3 not final", post("Transfer-Encoding: gzip"), .transferEncoding),
    HeadRow("RFC 9112 §6.3 not final", post("Transfer-Encoding: chunked, gzip"), .transferEncoding),
    HeadRow("RFC 9112 §6.1 twice", post("Transfer-Encoding: chunked, chunked"), .transferEncoding),
    HeadRow("RFC 9112 §7 identity is gone", post("Transfer-Encoding: identity"), .transferEncoding),
    HeadRow("RFC 9112 §6.1 empty", post("Transfer-Encoding:"), .transferEncoding),
    HeadRow("RFC 9112 §7 a token", post("Transfer-Encoding: \"chunked\""), .transferEncoding),
    HeadRow(
      "RFC 9112 §7.1 no parameters", post("Transfer-Encoding: chunked;a=b"), .transferEncoding),
    HeadRow(
      "RFC 9112 §6.1 repeated", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
      .transferEncodingRepeated),
    HeadRow(
      "RFC 9112 §6.1 beside a length", post("Content-Length: 5", "Transfer-Encoding: chunked"),
      .lengthAndCoding),
    HeadRow(
      "RFC 9112 §6.1 beside a length", post("Transfer-Encoding: identity", "Content-Length: 5"),
      .lengthAndCoding),
    HeadRow(
      "RFC 9112 §6.1 in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      .transferEncodingIn10),
  ]

  static let connection: [HeadRow] = [
    HeadRow("RFC 9110 §7.6.1 options", get("Connection: keep-alive, X-Mine ,, close")),
    HeadRow("RFC 9110 §7.6.1 hop-by-hop names", get("Connection: TE, Upgrade, HTTP2-Settings")),
    HeadRow("RFC 9110 §7.6.1 tokens", get("Connection: a b"), .connection),
    HeadRow("RFC 9110 §7.6.1 tokens", get("Connection: \"close\""), .connection),
    HeadRow("RFC 9110 §7.6.1 not Host", get("Connection: Host"), .connectionNamesEndToEnd),
    HeadRow(
      "RFC 9110 §7.6.1 not Content-Length", get("Connection: close, content-length"),
      .connectionNamesEndToEnd),
    HeadRow("RFC 9110 §7.6.1 not Cookie", get("Connection: Cookie"), .connectionNamesEndToEnd),
    HeadRow(
      "RFC 9110 §7.6.1 not what a proxy vouches for", get("Connection: X-Forwarded-For"),
      .connectionNamesEndToEnd),
    HeadRow(
      "RFC 9110 §7.6.1 sixteen names",
      get("Connection: " + (0..<16).map { "x\($0)" }.joined(separator: ","))),
    HeadRow(
      "RFC 9110 §7.6.1 seventeen names",
      get("Connection: " + (0..<17).map { "x\($0)" }.joined(separator: ",")),
      .tooManyConnectionOptions),
    HeadRow("RFC 9110 §10.1.1", post("Expect: 100-Continue", "Content-Length: 1")),
    HeadRow("RFC 9110 §10.1.1 another", post("Expect: 100-continued"), .expectation),
    HeadRow("RFC 9110 §10.1.1 another", post("Expect: 200-maybe"), .expectation),
    HeadRow("RFC 9110 §10.1.1 a list", post("Expect: 100-continue, 100-continue"), .expectation),
    HeadRow(
      "RFC 9110 §10.1.1 two", post("Expect: 100-continue", "Expect: x", "Content-Length: 1"),
      .expectation),
  ]

  static let all = firstLine + targets + hosts + lines + framing + connection
}
