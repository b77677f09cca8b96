import HTTP
import Memory
import Testing

@Suite struct HeadWriterTests {
  @Test func `a response head`() {
    let text = written { head, buffer in
      head.statusLine(404, to: &buffer)
      head.field("Content-Length", decimal: 12, to: &buffer)
      head.field("Server", "martlet", to: &buffer)
      let value = Array("a, b".utf8)
      head.field("Vary", value.span, to: &buffer)
      head.field(Array("X".utf8).span, Array("".utf8).span, to: &buffer)
      head.lines(Array("A: b\r\n".utf8).span, to: &buffer)
    }
    #expect(
      text == "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nServer: martlet\r\nVary: a, b\r\n"
        + "X: \r\nA: b\r\n\r\n")
  }

  @Test func `a server's reason is kept, also none`() {
    #expect(
      written { $0.statusLine(200, reason: Array("Fine".utf8).span, to: &$1) }
        == "HTTP/1.1 200 Fine\r\n\r\n")
    #expect(
      written { $0.statusLine(200, reason: Array("".utf8).span, to: &$1) }
        == "HTTP/1.1 200 \r\n\r\n")
    #expect(written { $0.statusLine(599, to: &$1) } == "HTTP/1.1 599 \r\n\r\n")
  }

  @Test(arguments: [
    ("GET", "/a%2Fb//c/../d?e", "/a%2Fb//c/../d?e"), ("GET", "http://a/b?c", "/b?c"),
    ("GET", "http://a", "/"), ("GET", "http://a?b", "/?b"), ("OPTIONS", "*", "*"),
    ("OPTIONS", "http://a", "*"), ("OPTIONS", "http://a/", "/"), ("OPTIONS", "http://a?b", "/?b"),
    ("PURGE", "/", "/"),
  ])
  func `RFC 9112 §3.2: a target goes on as it came, in origin form`(
    method: String, target: String, expected: String
  ) throws {
    let bytes = Array("\(method) \(target) HTTP/1.0\r\nHost: a\r\n\r\n".utf8)
    var request = RequestHead()
    let isWhole = try request.parse(bytes.span, limits: HeadLimits())
    #expect(isWhole)
    var buffer = ByteBuffer(capacity: 256)
    var head = HeadWriter()
    head.requestLine(request, from: bytes.span, to: &buffer)
    #expect(
      String(decoding: copied(buffer.readable), as: UTF8.self)
        == "\(method) \(expected) HTTP/1.1\r\n")
  }

  @Test func `fields are written anew, those that stop here left out`() throws {
    let bytes = Array(
      ("GET / HTTP/1.1\r\nHost: a\r\nA:b\r\nB:  c \t\r\nC: d\r\nD: e\r\nConnection: x-y\r\nE: f\r\n"
        + "X-Y: g\r\nX_Z: h\r\nT:\tt\r\nU: u \r\nCookie: i\r\nF:\r\nG: j\r\nUser-Agent: k\r\n\r\n")
        .utf8)
    var request = RequestHead()
    let isWhole = try request.parse(bytes.span, limits: HeadLimits())
    #expect(isWhole)
    if let userAgent = request.fields.next(.userAgent, from: 0) {
      request.dropField(at: userAgent)
    }
    var buffer = ByteBuffer(capacity: 256)
    var head = HeadWriter()
    head.copyFields(request.fields, from: bytes.span, except: [.host, .cookie], to: &buffer)
    #expect(
      String(decoding: copied(buffer.readable), as: UTF8.self)
        == "A: b\r\nB: c\r\nC: d\r\nD: e\r\nE: f\r\nT: t\r\nU: u\r\nF: \r\nG: j\r\n")
  }

  @Test(arguments: 0...40)
  func `a head that does not fit leaves nothing behind`(capacity: Int) {
    let whole = "HTTP/1.1 200 OK\r\nServer: martlet\r\n\r\n"
    var buffer = ByteBuffer(capacity: capacity + 3)
    buffer.append("abc")
    var head = HeadWriter()
    head.statusLine(200, to: &buffer)
    head.field("Server", "martlet", to: &buffer)
    let fits = head.end(&buffer)
    #expect(fits == (capacity >= whole.utf8.count))
    #expect(String(decoding: copied(buffer.readable), as: UTF8.self) == "abc" + (fits ? whole : ""))
  }

  @Test func `every line knows what it takes`() throws {
    let bytes = Array("GET http://a HTTP/1.1\r\nHost: a\r\nA:b\r\n\r\n".utf8)
    var request = RequestHead()
    let isWhole = try request.parse(bytes.span, limits: HeadLimits())
    #expect(isWhole)
    for capacity in 1...160 {
      var buffer = ByteBuffer(capacity: capacity)
      var head = HeadWriter()
      head.requestLine(request, from: bytes.span, to: &buffer)
      head.requestLine(method: bytes.span, target: bytes.span, to: &buffer)
      head.statusLine(100, reason: bytes.span, to: &buffer)
      head.copyFields(request.fields, from: bytes.span, except: [], to: &buffer)
      head.field("N", decimal: .max, to: &buffer)
      _ = head.end(&buffer)
    }
  }

  @Test func `a chunk's head takes what it says`() {
    var buffer = ByteBuffer(capacity: 64)
    ChunkWriter.head(.max, to: &buffer)
    #expect(buffer.count <= ChunkWriter.headSpace)
    buffer.clear()
    ChunkWriter.head(26, to: &buffer)
    ChunkWriter.end(to: &buffer)
    #expect(copied(buffer.readable) == Array("1a\r\n\r\n".utf8))
    buffer.clear()
    ChunkWriter.last(to: &buffer)
    #expect(buffer.count == ChunkWriter.lastSpace)
  }

  private func written(
    _ body: (inout HeadWriter, inout ByteBuffer) -> Void
  ) -> String {
    var buffer = ByteBuffer(capacity: 1024)
    var head = HeadWriter()
    body(&head, &buffer)
    let fits = head.end(&buffer)
    return fits ? String(decoding: copied(buffer.readable), as: UTF8.self) : ""
  }
}
