import HTTP
import Memory
import Testing

@Suite struct EntityTagTests {
  @Test(arguments: [
    (Int64(1_709_210_096), 20, ContentCoding.identity, "\"65e079f0-14\""),
    (1_709_210_096, 20, .gzip, "\"65e079f0-14-gzip\""),
    (1_709_210_096, 20, .brotli, "\"65e079f0-14-br\""),
    (0, 0, .identity, "\"0-0\""),
    (-1, 255, .identity, "\"-1-ff\""),
    (.max, .max, .brotli, "\"3afff4417f-7fffffffffffffff-br\""),
  ])
  func `a file's tag is nginx's, and says which sibling it is of`(
    _ seconds: Int64, _ size: Int, _ coding: ContentCoding, _ text: String
  ) {
    var buffer = ByteBuffer(capacity: EntityTag.lengthLimit)
    EntityTag(modified: HTTPDate(seconds: seconds), size: size, coding: coding)
      .append(to: &buffer)
    var bytes: [UInt8] = []
    for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
    #expect(String(decoding: bytes, as: UTF8.self) == text)
  }

  struct Row: Sendable {
    var rule: String
    var tag = "\"a\""
    var field: String
    var strong: Bool
    var weak: Bool
  }

  @Test(arguments: [
    Row(rule: "the same", field: "\"a\"", strong: true, weak: true),
    Row(rule: "another", field: "\"b\"", strong: false, weak: false),
    Row(rule: "§8.8.3.2 weak against strong", field: "W/\"a\"", strong: false, weak: true),
    Row(
      rule: "§8.8.3.2 both weak", tag: "W/\"a\"", field: "W/\"a\"", strong: false, weak: true),
    Row(rule: "ours weak", tag: "W/\"a\"", field: "\"a\"", strong: false, weak: true),
    Row(rule: "W is case-sensitive", field: "w/\"a\"", strong: false, weak: false),
    Row(rule: "§13.1.1 any", field: "*", strong: true, weak: true),
    Row(rule: "any, beside others", field: "*, \"b\"", strong: false, weak: false),
    Row(rule: "last of a list", field: "\"b\", \"a\"", strong: true, weak: true),
    Row(rule: "first of a list", field: "\"a\" ,\"b\"", strong: true, weak: true),
    Row(rule: "no blanks", field: "\"b\",\"a\",\"c\"", strong: true, weak: true),
    Row(rule: "§5.6.1.2 empty elements", field: ", ,\t\"a\",", strong: true, weak: true),
    Row(rule: "a comma inside a tag", field: "\"x,y\", \"a\"", strong: true, weak: true),
    Row(rule: "a longer one", field: "\"ab\"", strong: false, weak: false),
    Row(rule: "no quotes", field: "a", strong: false, weak: false),
    Row(rule: "something behind", field: "\"a\"x", strong: false, weak: false),
    Row(rule: "cut short", field: "\"a", strong: false, weak: false),
    Row(rule: "empty", field: "", strong: false, weak: false),
    Row(rule: "a bare W/", field: "W/", strong: false, weak: false),
  ])
  func `tags are compared as RFC 9110 says`(_ row: Row) {
    let strong = EntityTag.isListed(row.tag.utf8.span, in: row.field.utf8.span, by: .strong)
    let weak = EntityTag.isListed(row.tag.utf8.span, in: row.field.utf8.span, by: .weak)
    #expect(strong == row.strong, "\(row.rule)")
    #expect(weak == row.weak, "\(row.rule)")
  }
}
