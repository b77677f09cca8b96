import HTTP
import Testing

@Suite struct ResponseHeadTests {
  @Test(arguments: ResponseHeadRows.all)
  func `a response head is accepted or refused by its rule`(_ row: HeadRow) {
    let result = readResponse(row.head)
    #expect(result.failure?.reason == row.fault)
    if row.fault == nil { #expect((try? result.get())?.length == row.head.utf8.count) }
  }

  @Test(arguments: ResponseHeadRows.all)
  func `a head that is cut is not here yet, or refused for what the whole is refused for`(
    _ row: HeadRow
  ) {
    let bytes = Array(row.head.utf8)
    let whole = readResponse(bytes)
    for count in bytes.indices {
      switch readResponse(Array(bytes[..<count])) {
      case .success(let summary): #expect(summary == nil, "at \(count)")
      case .failure(let malformed): #expect(malformed == whole.failure, "at \(count)")
      }
    }
  }

  @Test func `an origin's response`() throws {
    let head = try read(
      "HTTP/1.1 404 NOT FOUND\r\nServer: gunicorn\r\nConnection: close\r\nX-Mine: \t1\t\r\n"
        + "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 9\r\n\r\n")
    #expect(head.status == 404)
    #expect(head.reason == "NOT FOUND")
    #expect(head.framing == .length(9))
    #expect(!head.isPersistent)
    #expect(!head.isInterim)
    #expect(
      head.fields == [
        FieldSummary(name: "Server", value: "gunicorn", id: .server),
        FieldSummary(name: "Connection", value: "close", id: .connection, isHopByHop: true),
        FieldSummary(name: "X-Mine", value: "1"),
        FieldSummary(name: "Set-Cookie", value: "a=b", id: .setCookie),
        FieldSummary(name: "Set-Cookie", value: "c=d", id: .setCookie),
        FieldSummary(name: "Content-Length", value: "9", id: .contentLength),
      ])
  }

  @Test(arguments: [
    ("200", Method.get, "A: b", ResponseFraming.untilClose),
    ("200", .get, "Content-Length: 7", .length(7)),
    ("200", .get, "Content-Length: 0", .length(0)),
    ("200", .get, "Transfer-Encoding: chunked", .chunked),
    ("200", .head, "Content-Length: 7", .none),
    ("200", .head, "Transfer-Encoding: chunked", .none),
    ("200", .head, "A: b", .none),
    ("304", .get, "Content-Length: 7", .none),
    ("304", .get, "Transfer-Encoding: chunked", .none),
    ("304", .get, "A: b", .none),
    ("204", .get, "A: b", .none),
    ("205", .get, "A: b", .untilClose),
    ("100", .post, "A: b", .none),
    ("101", .get, "A: b", .none),
    ("500", .post, "Content-Length: 7", .length(7)),
  ])
  func `RFC 9112 §6.3: where a body ends`(
    status: String, method: Method, field: String, framing: ResponseFraming
  ) throws {
    let text = "HTTP/1.1 \(status) x\r\n\(field)\r\n\r\n"
    let head = try #require(try readResponse(text, to: method).get())
    #expect(head.framing == framing)
    #expect(head.contentLength == (field.hasPrefix("Content-Length: 7") ? 7 : head.contentLength))
    #expect(head.isPersistent == (framing != .untilClose))
  }

  @Test(arguments: [
    ("1.1", "", true), ("1.1", "close", false), ("1.0", "", false), ("1.0", "keep-alive", true),
    ("1.0", "keep-alive, close", false),
  ])
  func `RFC 9112 §9.3: a connection persists unless one side says otherwise`(
    version: String, options: String, persists: Bool
  ) throws {
    let head = try read(
      "HTTP/\(version) 200 OK\r\nContent-Length: 0\r\nConnection: \(options)\r\n\r\n")
    #expect(head.isPersistent == persists)
  }

  @Test(
    arguments: [
      ("101", "Upgrade", "websocket", "websocket", true),
      ("101", "upgrade", "WebSocket", "WebSocket", true),
      ("101", "upgrade", "h2c", "h2c", false), ("101", "close", "websocket", nil, false),
      ("101", "upgrade", "websocket, h2c", "websocket, h2c", false),
      ("426", "upgrade", "websocket", "websocket", false),
    ] as [(String, String, String, String?, Bool)])
  func `RFC 6455 §4.2.2: a 101 to websocket and nothing else`(
    status: String, options: String, protocols: String, upgrade: String?, isWebSocket: Bool
  ) throws {
    let head = try read(
      "HTTP/1.1 \(status) x\r\nConnection: \(options)\r\nUpgrade: \(protocols)\r\n\r\n")
    #expect(head.upgrade == upgrade)
    #expect(head.upgradesToWebSocket == isWebSocket)
  }

  @Test func `1xx other than 101 are followed by another response`() throws {
    for (status, interim) in [(100, true), (101, false), (103, true), (199, true), (200, false)] {
      #expect(try read("HTTP/1.1 \(status) x\r\n\r\n").isInterim == interim)
    }
  }

  @Test func `Connection cannot take away what is meant for all`() throws {
    let head = try read(
      "HTTP/1.1 200 OK\r\nConnection: Set-Cookie, X-Mine\r\nX-Mine: 1\r\nSet-Cookie: a\r\n\r\n")
    #expect(head.fields.filter { !$0.isHopByHop }.map(\.name) == ["Set-Cookie"])
  }

  @Test func `names with _ stay`() throws {
    #expect(try read("HTTP/1.1 200 OK\r\nA_b: c\r\n\r\n").field("A_b")?.isDropped == false)
  }

  @Test func `a status line and a head may be as long as their limits`() {
    let head = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    #expect(head.utf8.count == 25)
    func fault(_ text: String, line: Int, head: Int) -> Fault? {
      readResponse(text, limits: HeadLimits(lineBytes: line, headBytes: head)).failure?.reason
    }
    #expect(fault(head, line: 15, head: 25) == nil)
    #expect(fault(head, line: 14, head: 25) == .statusLineTooLong)
    #expect(fault(head, line: 15, head: 24) == .headTooLong)
    #expect(fault("HTTP/1.1 200 OK, then", line: 19, head: 25) == .statusLineTooLong)
    #expect(fault("HTTP/1.1 200 OK, the", line: 19, head: 25) == nil)
  }

  private func read(_ text: String) throws -> ResponseSummary {
    try #require(try readResponse(text).get())
  }
}
