import HTTP
import Testing

@Suite struct FieldReaderTests {
  @Test(
    arguments: [
      ("sid=1", "1"), ("a=b; sid=1; c=d", "1"), ("a=b;sid=1;c=d", "1"), ("sid=1; sid=2", "1"),
      ("sid=", ""), ("sid=a=b", "a=b"), ("sid=\"a b\"", "\"a b\""), (" ;; sid=1 \t;", "1"),
      ("xsid=1", nil), ("sidx=1", nil), ("SID=1", nil), ("sid", nil), ("sid; a=b", nil), ("", nil),
      ("a=sid=1", nil), ("si=1; s=2; sid=3", "3"), ("sid =1", nil), (";", nil), ("a", nil),
    ] as [(String, String?)])
  func `RFC 6265 §4.2.1: a cookie is found by its whole name`(field: String, value: String?) {
    let bytes = Array(field.utf8)
    let name = Array("sid".utf8)
    let found = CookieReader.value(of: name.span, in: Slice(0..<bytes.count), from: bytes.span)
    #expect(found.map { bytes.text($0) } == value)
  }

  @Test func `a cookie is looked for in every Cookie field`() throws {
    let bytes = Array(
      "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nX: sid=0\r\nCookie: sid=2\r\n\r\n".utf8)
    var head = RequestHead()
    let isWhole = try head.parse(bytes.span, limits: HeadLimits())
    #expect(isWhole)
    let name = Array("sid".utf8)
    let found = CookieReader.value(of: name.span, in: head.fields, from: bytes.span)
    #expect(found.map { bytes.text($0) } == "2")
    let other = Array("x".utf8)
    let missing = CookieReader.value(of: other.span, in: head.fields, from: bytes.span)
    #expect(missing == nil)
  }

  @Test(
    arguments: [
      ("", []), (",", []), (" , ,\t", []), ("a", ["a"]), ("a,b", ["a", "b"]),
      (" a ,, b\t", ["a", "b"]), ("a b", ["a b"]), ("\"a,b\",c", ["\"a,b\"", "c"]),
      ("a=\"b\\\",c\", d", ["a=\"b\\\",c\"", "d"]), ("\"a, b", ["\"a, b"]), ("\"a\\", ["\"a\\"]),
    ] as [(String, [String])])
  func `RFC 9110 §5.6.1: a list's elements are between commas`(list: String, elements: [String]) {
    let bytes = Array(list.utf8)
    var reader = ListReader(Slice(0..<bytes.count))
    var found: [String] = []
    while let element = reader.next(bytes.span) { found.append(bytes.text(element)) }
    #expect(found == elements)
  }

  @Test func `a table finds its fields by name`() throws {
    let bytes = Array(
      "GET / HTTP/1.1\r\nHost: a\r\nCookie: 1\r\nX: y\r\ncookie: 2\r\nX: z\r\n\r\n".utf8)
    var head = RequestHead()
    let isWhole = try head.parse(bytes.span, limits: HeadLimits())
    #expect(isWhole)
    let cookies = (head.fields.next(.cookie, from: 0), head.fields.next(.cookie, from: 2))
    #expect(cookies == (1, 3))
    let contains = (head.fields.contains(.cookie), head.fields.contains(.expect))
    #expect(contains == (true, false))
    let repeated = (head.fields.isRepeated(.cookie), head.fields.isRepeated(.host))
    #expect(repeated == (true, false))
    let first = head.fields.first(.cookie)?.value
    #expect(first.map { bytes.text($0) } == "1")
    let missing = head.fields.first(.expect)
    #expect(missing == nil)
    let behind = head.fields.next(.cookie, from: 4)
    #expect(behind == nil)
  }

  @Test func `a set of names holds what was put in`() {
    var set: FieldNameSet = [.host, .secWebSocketExtensions]
    #expect(FieldName.allCases.filter { set.contains($0) } == [.host, .secWebSocketExtensions])
    set.remove(.secWebSocketExtensions)
    set.remove(.cookie)
    set.insert(.secWebSocketKey)
    #expect(FieldName.allCases.filter { set.contains($0) } == [.host, .secWebSocketKey])
  }

  @Test(arguments: Fault.allCases)
  func `every fault has words and a status for the client`(fault: Fault) {
    #expect(!fault.description.isEmpty)
    #expect([400, 414, 417, 431, 501, 505].contains(fault.status))
    #expect(!ReasonPhrase.of(fault.status).description.isEmpty)
  }
}
