import Configuration
import Memory
import Testing

@testable import Operations

struct ProbeRow: Sendable {
  let rule: String
  var status: [ClosedRange<Int>] = [200...399]
  var maintenance: [ClosedRange<Int>] = []
  var body: String?
  let answer: String
  let gives: ProbeResult?
  /// What the end of the connection makes of it, if `gives` is nil.
  var end: ProbeResult?
}

private let ok = "HTTP/1.1 200 OK\r\n"

@Test(arguments: [
  ProbeRow(
    rule: "an expected status is enough", answer: ok + "Content-Length: 5\r\n\r\n", gives: .success),
  ProbeRow(
    rule: "half a head is not yet an answer", answer: ok, gives: nil,
    end: .failure("closed without an answer")),
  ProbeRow(
    rule: "nothing is no answer", answer: "", gives: nil, end: .failure("closed without an answer")),
  ProbeRow(
    rule: "a redirect within the range", answer: "HTTP/1.1 302 Found\r\n\r\n", gives: .success),
  ProbeRow(
    rule: "another status", answer: "HTTP/1.1 503 Busy\r\n\r\n", gives: .failure("answered 503")),
  ProbeRow(
    rule: "ranges", status: [200...200, 404...404], answer: "HTTP/1.1 404 No\r\n\r\n",
    gives: .success),
  ProbeRow(
    rule: "maintenance", maintenance: [503...503], answer: "HTTP/1.1 503 Updating\r\n\r\n",
    gives: .maintenance(503)),
  ProbeRow(
    rule: "maintenance is another status", maintenance: [503...503],
    answer: "HTTP/1.1 502 Bad Gateway\r\n\r\n", gives: .failure("answered 502")),
  ProbeRow(
    rule: "no text is looked for in maintenance", maintenance: [500...503], body: "pong",
    answer: "HTTP/1.1 503 Updating\r\nContent-Length: 8\r\n\r\n", gives: .maintenance(503)),
  ProbeRow(
    rule: "ranges", status: [200...200, 404...404], answer: "HTTP/1.1 204 No\r\n\r\n",
    gives: .failure("answered 204")),
  ProbeRow(
    rule: "RFC 9110 §15.2: interim answers are passed over",
    answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "\r\n", gives: .success),
  ProbeRow(
    rule: "interim answers end", answer: String(repeating: "HTTP/1.1 100 Go\r\n\r\n", count: 9),
    gives: .failure("answered 1xx without end")),
  ProbeRow(
    rule: "not HTTP", answer: "SSH-2.0-OpenSSH_9.2\r\n",
    gives: .failure("answered what is not HTTP: the version is malformed")),
  ProbeRow(
    rule: "a body with the text", body: "pong",
    answer: ok + "Content-Length: 9\r\n\r\n\"a\":\"pong",
    gives: .success),
  ProbeRow(
    rule: "a body without the text", body: "pong", answer: ok + "Content-Length: 4\r\n\r\nponk",
    gives: .failure("answered a body without the text that it must contain")),
  ProbeRow(
    rule: "what follows the body is not the body", body: "pong",
    answer: ok + "Content-Length: 2\r\n\r\npong",
    gives: .failure("answered a body without the text that it must contain")),
  ProbeRow(
    rule: "a body cut short", body: "pong", answer: ok + "Content-Length: 9\r\n\r\npon", gives: nil,
    end: .failure("closed in mid-answer")),
  ProbeRow(
    rule: "a chunked body, the text across chunks", body: "pong",
    answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\npo\r\n2\r\nng\r\n0\r\n\r\n",
    gives: .success),
  ProbeRow(
    rule: "a chunked body that ends without it", body: "pong",
    answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\npo\r\n0\r\n\r\n",
    gives: .failure("answered a body without the text that it must contain")),
  ProbeRow(
    rule: "a body until close, the text at its end", body: "pong", answer: ok + "\r\n....pong",
    gives: .success),
  ProbeRow(
    rule: "a body until close", body: "pong", answer: ok + "\r\n....", gives: nil,
    end: .failure("answered a body without the text that it must contain")),
  ProbeRow(
    rule: "no body", body: "pong", answer: "HTTP/1.1 204 No Content\r\n\r\n",
    gives: .failure("answered a body without the text that it must contain")),
])
func `an answer is judged`(_ row: ProbeRow) {
  var check = HealthCheck(path: "/")
  check.status = row.status
  check.maintenance = row.maintenance
  check.body = row.body
  // Whole, then byte by byte: the same.
  for step in [max(row.answer.utf8.count, 1), 1] {
    var reader = ProbeReader(check)
    var input = ByteBuffer(capacity: 4096)
    var result: ProbeResult?
    var rest = Array(row.answer.utf8)[...]
    while result == nil, !rest.isEmpty {
      for byte in rest.prefix(step) { input.append(byte) }
      rest = rest.dropFirst(step)
      result = reader.read(&input, isEnded: false)
      input.compact()
    }
    #expect(result == row.gives, "\(row.rule), \(step) at a time")
    if result == nil {
      let last = reader.read(&input, isEnded: true)
      #expect(last == row.end, "\(row.rule), \(step) at a time")
    }
  }
}

@Test func `a body is searched up to its limit`() {
  var check = HealthCheck(path: "/")
  check.body = "pong"
  var reader = ProbeReader(check)
  var input = ByteBuffer(capacity: 128 << 10)
  input.append(text: ok + "\r\n" + String(repeating: "x", count: 70_000) + "pong")
  let result = reader.read(&input, isEnded: false)
  #expect(result == .failure("answered a body without the text that it must contain"))
}
