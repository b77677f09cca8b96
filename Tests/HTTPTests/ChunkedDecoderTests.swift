import HTTP
import Memory
import Testing

@Suite struct ChunkedDecoderTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let rule: String
    let body: String
    let fault: Fault?
    let data: String
    let trailers: [String]

    init(
      _ rule: String, _ body: String, gives data: String = "", trailers: [String] = [],
      _ fault: Fault? = nil
    ) {
      self.rule = rule
      self.body = body
      self.fault = fault
      self.data = data
      self.trailers = trailers
    }

    var testDescription: String { "\(rule): \(body.debugDescription.prefix(120))" }
  }

  private static func extensions(_ count: Int) -> String {
    "1;" + String(repeating: "a", count: count - 2) + "\r\nx\r\n0\r\n\r\n"
  }

  private static func trailers(_ count: Int) -> String {
    "0\r\nA: " + String(repeating: "b", count: count - 5) + "\r\n\r\n"
  }

  static let rows: [Row] = [
    Row("RFC 9112 §7.1 a body", "5\r\nhello\r\n0\r\n\r\n", gives: "hello"),
    Row("RFC 9112 §7.1 several chunks", "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", gives: "hello"),
    Row("RFC 9112 §7.1 none", "0\r\n\r\n"),
    Row(
      "RFC 9112 §7.1 either case", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
      gives: "01234567890123456789"),
    Row("RFC 9112 §7.1 CRLF in data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", gives: "\r\n\r\n"),
    Row("RFC 9112 §7.1 leading zeros", "000000000000005\r\nhello\r\n000\r\n\r\n", gives: "hello"),
    Row("RFC 9112 §7.1 sixteen digits", "0000000000000005\r\n", .chunkTooLarge),
    Row("RFC 9112 §7.1 hexadecimal", "g\r\n", .chunkSize),
    Row("RFC 9112 §7.1 a size", ";a\r\n", .chunkSize),
    Row("RFC 9112 §7.1 a size on its line", "5\r\r\n", .bareCR),
    Row("RFC 9112 §7.1.1 extensions", "5;a;b=c;d=\"e;\\\"\r\t\"", gives: "", .chunkExtension),
    Row(
      "RFC 9112 §7.1.1 extensions", "5;a;b=c;d=\"e;\\\"\t\"\r\nhello\r\n0;x\r\n\r\n", gives: "hello"
    ),
    Row("RFC 9112 §7.1.1 BWS", "5 ; a = b\t;c\t=\"d\" ;e\r\nhello\r\n0\r\n\r\n", gives: "hello"),
    Row("RFC 9112 §7.1.1 BWS before nothing", "5 \r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 BWS behind a name", "5;a \r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 BWS behind a value", "5;a=b \r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 BWS behind a string", "5;a=\"b\" \r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 a name", "5;\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 a name", "5;=a\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 a value", "5;a=\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 a value", "5;a=;b\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 a token", "5;a=b@\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 nothing behind a string", "5;a=\"b\"c\r\n", .chunkExtension),
    Row("RFC 9110 §5.6.4 no NUL in a string", "5;a=\"\u{0}\"\r\n", .chunkExtension),
    Row("RFC 9110 §5.6.4 no NUL in a pair", "5;a=\"\\\u{0}\"\r\n", .chunkExtension),
    Row("RFC 9112 §7.1.1 limited", extensions(4097), gives: "x"),
    Row("RFC 9112 §7.1.1 limited", extensions(4098), .chunkExtensionsTooLong),
    Row("RFC 9112 §7.1.2 a trailer", "0\r\nA: b\r\n\r\n", trailers: ["A: b"]),
    Row(
      "RFC 9112 §7.1.2 trailers", "1\r\nx\r\n0\r\nServer-Timing: a \r\nGrpc-Status:0\r\n\r\n",
      gives: "x", trailers: ["Server-Timing: a", "Grpc-Status: 0"]),
    Row(
      "RFC 9110 §6.5.1 no framing", "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    Row("RFC 9110 §6.5.1 no routing", "0\r\nHost: b\r\nX-Forwarded-Host: b\r\n\r\n"),
    Row(
      "RFC 9110 §6.5.1 no credentials",
      "0\r\nAuthorization: x\r\nCookie: y\r\nSet-Cookie: z\r\n\r\n"),
    Row("RFC 9110 §6.5.1 no content", "0\r\nContent-Type: x\r\nContent-Encoding: y\r\n\r\n"),
    Row("RFC 9110 §7.6.1 no connection", "0\r\nConnection: close\r\nTE: y\r\n\r\n"),
    Row("WSGI: no _", "0\r\nA_B: close\r\n\r\n"),
    Row("RFC 9112 §5.1 a space before the colon", "0\r\nA : b\r\n\r\n", .spaceBeforeColon),
    Row("RFC 9112 §5 no colon", "0\r\nA\r\n\r\n", .fieldName),
    Row("RFC 9110 §5.5 a control byte", "0\r\nA: \u{0}\r\n\r\n", .fieldValue),
    Row("RFC 9112 §7.1.2 the empty line", "0\r\n\n", .bareLF),
    Row(
      "RFC 9112 §7.1.2 limited", trailers(4096),
      trailers: ["A: " + String(repeating: "b", count: 4091)]),
    Row("RFC 9112 §7.1.2 limited", trailers(4097), .trailersTooLong),
    Row("RFC 9112 §7.1.2 32 of them", "0\r\n" + String(repeating: "Te: b\r\n", count: 32) + "\r\n"),
    Row(
      "RFC 9112 §7.1.2 33 of them", "0\r\n" + String(repeating: "Te: b\r\n", count: 33) + "\r\n",
      .trailersTooLong),
  ]

  @Test(arguments: rows)
  func `a body is decoded or refused by its rule`(_ row: Row) {
    let body = decode(Array(row.body.utf8))
    #expect(body.fault == row.fault)
    guard row.fault == nil else { return }
    #expect(String(decoding: body.data, as: UTF8.self) == row.data)
    #expect(body.trailers == row.trailers)
    #expect(body.isFinished)
    #expect(body.length == row.body.utf8.count)
  }

  @Test(arguments: rows.filter { $0.body.utf8.count < 200 })
  func `wherever it is cut it says the same`(_ row: Row) {
    let bytes = Array(row.body.utf8)
    let whole = decode(bytes)
    for cut in 0...bytes.count { #expect(decode(bytes, cuts: [cut]) == whole, "at \(cut)") }
    #expect(decode(bytes, cuts: Array(1..<max(bytes.count, 1))) == whole)
  }

  @Test(arguments: rows.filter { $0.fault == nil && $0.body.utf8.count < 200 })
  func `a body that is cut short is not complete`(_ row: Row) {
    let bytes = Array(row.body.utf8)
    for count in bytes.indices {
      let body = decode(Array(bytes[..<count]))
      #expect(!body.isFinished && body.fault == nil, "at \(count)")
    }
  }

  @Test func `trailers that take all they may are still followed by the empty line`() {
    let bytes = Array(Self.trailers(4096).utf8)
    for cut in (bytes.count - 4)...bytes.count {
      #expect(decode(bytes, cuts: [cut]).isFinished, "at \(cut)")
    }
    let long = Array(Self.trailers(4097).utf8)
    #expect(decode(long, cuts: Array(1..<long.count)).fault == .trailersTooLong)
  }

  @Test func `what follows a body is left alone`() {
    let body = decode(Array("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1".utf8))
    #expect(body.isFinished)
    #expect(body.length == 11)
  }

  @Test func `trailers that do not pass are counted`() throws {
    let bytes = Array("0\r\nHost: a\r\nX: y\r\nCookie: b\r\n\r\n".utf8)
    var decoder = ChunkedDecoder()
    var position = 0
    while try decoder.next(bytes.span, at: &position) != .end {}
    #expect(decoder.droppedTrailers == 2)
    #expect(decoder.isFinished)
  }

  @Test func `an extension that never ends is refused before it fills a buffer`() {
    var decoder = ChunkedDecoder()
    let part = Array("aaaaaaaa".utf8)
    var position = 0
    var fed = 0
    let start = Array("1;".utf8)
    var fault: Fault?
    do throws(Malformed) {
      _ = try decoder.next(start.span, at: &position)
      while fed < 10_000 {
        position = 0
        _ = try decoder.next(part.span, at: &position)
        fed += 8
      }
    } catch {
      fault = error.reason
    }
    #expect(fault == .chunkExtensionsTooLong)
    #expect(fed <= ChunkedDecoder.extensionBytesLimit)
  }

  @Test func `what ChunkWriter frames is decoded to the same`() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<200 {
      let pieces = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
        (0..<Int.random(in: 1..<300, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
      }
      var buffer = ByteBuffer(capacity: 4096)
      for piece in pieces {
        ChunkWriter.head(piece.count, to: &buffer)
        buffer.append(piece.span)
        ChunkWriter.end(to: &buffer)
      }
      ChunkWriter.last(to: &buffer)
      let bytes = copied(buffer.readable)
      let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      let body = decode(bytes, cuts: cuts)
      #expect(body.data == pieces.flatMap { $0 })
      #expect(body.isFinished && body.length == bytes.count)
    }
  }
}
