import HTTP
import Memory
import Testing

/// Each row was seen in nginx 1.22.
struct InternalTargetTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let value: String
    let path: String?
    var query = ""
    var testDescription: String { value }
  }

  @Test(arguments: [
    Row(value: "/protected/private/files/a.pdf", path: "/protected/private/files/a.pdf"),
    Row(value: "/a%20b", path: "/a b"),
    Row(value: "/a b", path: "/a b"),
    Row(value: "/a%2520b", path: "/a%20b"),
    Row(value: "/a+b", path: "/a+b"),
    Row(value: "/a%3Fb?c=%20", path: "/a?b", query: "c=%20"),
    Row(value: "/a?", path: "/a"),
    Row(value: "//a//b/./c", path: "//a//b/./c"),
    Row(value: "/a..b/..c/d..", path: "/a..b/..c/d.."),
    Row(value: "/..", path: nil),
    Row(value: "/../a", path: nil),
    Row(value: "/a/../b", path: nil),
    Row(value: "/a/..", path: nil),
    Row(value: "/a/..?b", path: nil),
    Row(value: "/a/%2e%2E/b", path: nil),
    Row(value: "/a/..%2fb", path: nil),
    Row(value: "/a/%252e%252e/b", path: "/a/%2e%2e/b"),
    Row(value: "/a%00b", path: nil),
    Row(value: "/100%", path: nil),
    Row(value: "/100%zz", path: nil),
    Row(value: "", path: nil),
    Row(value: "?a", path: nil),
    Row(value: "a/b", path: nil),
    Row(value: "http://a/b", path: nil),
  ])
  func `a value leads where nginx lets it lead`(_ row: Row) {
    var buffer = ByteBuffer(capacity: 256)
    buffer.append("kept")
    let value = Array(row.value.utf8)
    let query = InternalTarget.write(value.span, to: &buffer)
    let bytes = buffer.readable.extracting(droppingFirst: 4)
    let path = bytes.indices.map { bytes[$0] }
    #expect(path == Array((row.path ?? "").utf8))
    #expect((query != nil) == (row.path != nil))
    #expect(query.map { Array(value[$0]) } ?? [] == Array(row.query.utf8))
  }

  @Test func `what does not fit leads nowhere`() {
    var buffer = ByteBuffer(capacity: 4)
    #expect(InternalTarget.write("/abcd".utf8.span, to: &buffer) == nil)
    let isEmpty = buffer.isEmpty
    #expect(isEmpty)
  }

  @Test(arguments: [
    ("/a%20b?c#d", "/a%20b?c%23d"), ("/x HTTP/1.1", "/x%20HTTP/1.1"), ("/é\t", "/%c3%a9%09"),
    ("/%", "/%"), ("", ""),
  ])
  func `what a target may not hold is escaped and nothing else`(_ value: String, _ target: String) {
    var buffer = ByteBuffer(capacity: 64)
    InternalTarget.escape(Array(value.utf8).span, to: &buffer)
    let bytes = buffer.readable
    #expect(bytes.indices.map { bytes[$0] } == Array(target.utf8))
  }
}
