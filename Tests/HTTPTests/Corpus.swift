/// Messages as clients and servers send them, and some that have broken parsers: what the
/// fuzzer starts from. What it finds is added here.
enum Corpus {
  static let requests: [String] =
    RequestHeadRows.all.map(\.head)
    + SmugglingTests.heads.map { "POST / HTTP/1.1\r\nHost: a\r\n" + $0.head } + [
      "GET /socket.io/?EIO=4&transport=websocket&sid=x HTTP/1.1\r\nHost: erp.example.com\r\n"
        + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://erp.example.com\r\n"
        + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
      "POST /api/method/upload_file HTTP/1.1\r\nHost: [::1]:8080\r\nExpect: 100-continue\r\n"
        + "Content-Type: multipart/form-data; boundary=----x\r\nContent-Length: 1048576\r\n"
        + "X-Frappe-CSRF-Token: None\r\nCookie: sid=Guest; full_name=; system_user=no\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\nUser-Agent: ApacheBench/2.3\r\n\r\n",
      "GET /files/a%20b.pdf HTTP/1.1\r\nhost:a\r\nrange:bytes=0-99\r\nif-range:\"x\"\r\n"
        + "te:trailers\r\nconnection:te,x-a,x-b\r\nx-a:1\r\nX-B:2\r\n\r\n",
    ]

  static let responses: [String] =
    ResponseHeadRows.all.map(\.head)
    + SmugglingTests.heads.map { "HTTP/1.1 200 OK\r\n" + $0.head } + [
      "HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Thu, 06 Aug 2026 10:00:00 GMT\r\n"
        + "Connection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 31\r\n"
        + "Set-Cookie: sid=Guest; Expires=Sun, 09 Aug 2026 10:00:00 GMT; HttpOnly; Path=/\r\n"
        + "X-Accel-Redirect: /protected/private/files/a.pdf\r\nX-From-Cache: False\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.0 302 FOUND\r\nLocation: http://a/b\r\n\r\n",
    ]

  static let bodies: [String] =
    ChunkedDecoderTests.rows.map(\.body).filter { $0.utf8.count < 400 }

  static let paths: [String] = NormalizedPathTests.merged.map(\.0)

  static let lists: [String] = [
    "keep-alive, Upgrade", "a=\"b,\\\"c\", d", " ,,a\t,", "sid=1; b=2;;c", "\"", "\\", "",
  ]

  /// What parsers look for, to be put where it does not belong.
  static let tokens: [String] = [
    "\r\n", "\r", "\n", "\r\n\r\n", " ", "\t", ":", ": ", "\0", "\u{7f}", "\u{80}", ",", ";", "=",
    "\"", "\\", "/", "..", "/../", "%", "%2f", "%00", "?", "#", "[", "]", "0", "1", "f", "g", "_",
    "HTTP/1.1", "HTTP/1.0", "Host: b\r\n", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n", "chunked", "close", "0\r\n\r\n", "5\r\nhello\r\n", "http://a",
    "999999999999999999999", "fffffffffffffffff", "aaaaaaaaaaaaaaaa",
  ]
}
