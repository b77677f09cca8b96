import Testing

@testable import HTTP

@Suite struct EngineIOTests {
  struct QueryRow: CustomTestStringConvertible, Sendable {
    let rule: String
    let query: String
    /// Nil: it does not speak of Engine.IO.
    var isPolling: Bool?
    var hasSession = false
    var sid = ""
    var testDescription: String { "\(rule): \(query.prefix(80))" }
  }

  static let queries: [QueryRow] = [
    QueryRow(rule: "a handshake", query: "EIO=4&transport=polling&t=OXYZ", isPolling: true),
    QueryRow(rule: "revision 3", query: "EIO=3&transport=polling", isPolling: true),
    QueryRow(
      rule: "a poll", query: "EIO=4&transport=polling&t=a.0&sid=lv_VI97HAXpY6yYWAAAC",
      isPolling: true, hasSession: true, sid: "lv_VI97HAXpY6yYWAAAC"),
    QueryRow(
      rule: "an upgrade", query: "sid=a-b~c.d&EIO=4&transport=websocket", isPolling: false,
      hasSession: true, sid: "a-b~c.d"),
    QueryRow(
      rule: "WebSocket from the start", query: "EIO=4&transport=websocket", isPolling: false),
    QueryRow(rule: "no sid in it is none", query: "EIO=4&transport=polling&sid=", isPolling: true),
    QueryRow(
      rule: "the first of two counts", query: "EIO=4&sid=one&sid=two&transport=polling",
      isPolling: true, hasSession: true, sid: "one"),
    QueryRow(
      rule: "names are whole", query: "xEIO=4&EIO=4&asid=x&sidx=y&transport=polling",
      isPolling: true),
    QueryRow(
      rule: "a name that no server gives", query: "EIO=4&sid=a%20b&transport=polling",
      isPolling: true, hasSession: true),
    QueryRow(
      rule: "64 bytes", query: "EIO=4&sid=" + String(repeating: "x", count: 64), isPolling: false,
      hasSession: true, sid: String(repeating: "x", count: 64)),
    QueryRow(
      rule: "65 bytes", query: "EIO=4&sid=" + String(repeating: "x", count: 65), isPolling: false,
      hasSession: true),
    QueryRow(rule: "another query", query: "transport=polling&sid=abc"),
    QueryRow(rule: "nothing after EIO", query: "EIO=&sid=abc"),
    QueryRow(rule: "empty", query: ""),
    QueryRow(rule: "nothing but marks", query: "&&==&"),
  ]

  @Test(arguments: queries)
  func query(_ row: QueryRow) {
    let bytes = Array(row.query.utf8)
    let query = EngineIOQuery.parse(bytes.span)
    #expect(query?.isPolling == row.isPolling)
    #expect((query?.hasSession ?? false) == row.hasSession)
    let sid = query?.sid ?? .empty
    #expect(String(decoding: bytes[sid.range], as: UTF8.self) == row.sid)
  }

  struct BodyRow: CustomTestStringConvertible, Sendable {
    let rule: String
    let body: String
    /// Nil: there is none to be found.
    var sid: String?
    var testDescription: String { "\(rule): \(body.prefix(80))" }
  }

  static let bodies: [BodyRow] = [
    BodyRow(
      rule: "engine.io 6",
      body: #"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000}"#,
      sid: "lv_VI97HAXpY6yYWAAAC"),
    BodyRow(
      rule: "engine.io 3, with its length",
      body: #"96:0{"sid":"Lbo5JLzTotvW3g2LAAAA","upgrades":["websocket"]}2:40"#,
      sid: "Lbo5JLzTotvW3g2LAAAA"),
    BodyRow(
      rule: "members in any order",
      body: #"0{"upgrades":["sid"],"a":{"sid":"inner"},"b":"sid","c":"\":\"","sid":"x"}"#, sid: "x"),
    BodyRow(rule: "blanks", body: #"0{ "sid" : "x" }"#, sid: "x"),
    BodyRow(rule: "a name that no server gives", body: #"0{"sid":"a b","x":1}"#),
    BodyRow(rule: "an escape in it", body: #"0{"sid":"a\"b"}"#),
    BodyRow(rule: "no text", body: #"0{"sid":1}"#),
    BodyRow(rule: "an inner one only", body: #"0{"a":{"sid":"x"}}"#),
    BodyRow(rule: "an answer to a poll", body: #"40{"sid":"x"}"#),
    BodyRow(rule: "a message with its length", body: #"8:4{"sid":1}"#),
    BodyRow(rule: "a page", body: "<html>"),
    BodyRow(rule: "an endless length", body: "123456789:0{"),
  ]

  @Test(arguments: bodies)
  func body(_ row: BodyRow) {
    let bytes = Array(row.body.utf8)
    switch EngineIOHandshake.find(in: bytes.span) {
    case .sid(let sid): #expect(String(decoding: bytes[sid.range], as: UTF8.self) == row.sid)
    case .nothing: #expect(row.sid == nil)
    case .needsMore: Issue.record("the body is whole")
    }
  }

  @Test(arguments: bodies)
  func `a body that comes in pieces is found to be the same`(_ row: BodyRow) {
    let bytes = Array(row.body.utf8)
    let whole = EngineIOHandshake.find(in: bytes.span)
    var isFound = false
    for count in 0...bytes.count {
      let found = EngineIOHandshake.find(in: bytes.span.extracting(first: count))
      if isFound || found != .needsMore {
        #expect(found == whole, "after \(count) bytes")
        isFound = true
      }
    }
    #expect(isFound)
  }

  @Test func `a name is not looked for without an end`() {
    let long = Array(#"0{"a":""#.utf8) + [UInt8](repeating: 120, count: 2000)
    #expect(EngineIOHandshake.find(in: long.span) == .nothing)
    #expect(EngineIOHandshake.find(in: long.span.extracting(first: 1000)) == .needsMore)
    let late = Array(#"0{"sid":""#.utf8) + [UInt8](repeating: 120, count: 2000)
    #expect(EngineIOHandshake.find(in: late.span) == .nothing)
  }

  @Test func `bytes of any kind are survived`() {
    var random = SeededGenerator(seed: 7)
    let letters = Array(#"0{}[]":\sid EIO=4&transport=polling96:"#.utf8)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<60, using: &random)
      let bytes = (0..<count).map { _ in letters.randomElement(using: &random) ?? 0 }
      _ = EngineIOHandshake.find(in: bytes.span)
      _ = EngineIOQuery.parse(bytes.span)
    }
  }
}
