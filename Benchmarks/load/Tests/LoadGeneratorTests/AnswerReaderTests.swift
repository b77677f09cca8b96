import HTTP
import Memory
import Testing

@testable import LoadGenerator

private struct Row: Sendable {
  let rule: String
  let text: String
  let gives: Answer
}

private let rows = [
  Row(
    rule: "RFC 9112 §6.3 Content-Length",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    gives: Answer(status: 200, bodyBytes: 5, isPersistent: true)),
  Row(
    rule: "RFC 9112 §7.1 chunks; their sizes are not the body's",
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    gives: Answer(status: 200, bodyBytes: 5, isPersistent: true)),
  Row(
    rule: "RFC 9110 §15.4.5 no body, whatever its length was",
    text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
    gives: Answer(status: 304, isPersistent: true)),
  Row(
    rule: "RFC 9110 §15.2 an interim answer is not the answer",
    text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    gives: Answer(status: 200, bodyBytes: 1, isPersistent: true)),
  Row(
    rule: "RFC 9110 §8.4 what is coded is compressed",
    text: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    gives: Answer(status: 200, bodyBytes: 1, isCompressed: true, isPersistent: true)),
  Row(
    rule: "RFC 9112 §9.3 close ends the connection",
    text: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    gives: Answer(status: 200, bodyBytes: 1)),
]

@Test(arguments: rows)
private func `an answer is the same in whatever pieces it comes`(_ row: Row) throws {
  let bytes = Array(row.text.utf8)
  for piece in [1, 2, 7, bytes.count] {
    var reader = AnswerReader()
    var head = ResponseHead()
    var buffer = ByteBuffer(capacity: 4096)
    var answer: Answer?
    for start in stride(from: 0, to: bytes.count, by: piece) {
      #expect(answer == nil, "\(row.rule): too early")
      buffer.append(bytes.span.extracting(start..<min(start + piece, bytes.count)))
      answer = try reader.read(&buffer, method: .get, head: &head)
    }
    #expect(answer == row.gives, "\(row.rule)")
    let isAllRead = buffer.isEmpty
    #expect(isAllRead)
  }
}
