import Files
import HTTP
import Memory
import Reactor

/// What becomes of bodies: chunks found and written, files answered from memory.
enum Bodies {
  static var benchmarks: [Benchmark] {
    [
      decoding("decode 16 KiB in chunks of 4 KiB", chunk: 4096),
      decoding("decode 16 KiB in chunks of 64 B", chunk: 64),
      Benchmark("answer with a file of 4 KiB from memory") { file(asked: "") },
      Benchmark("answer 304 for it") {
        file(asked: "If-None-Match: *\n")
      },
    ]
  }

  private static func decoding(_ name: String, chunk: Int) -> Benchmark {
    Benchmark(name) {
      let size = 16 << 10
      var body: [UInt8] = []
      for _ in 0..<size / chunk {
        body += Array("\(String(chunk, radix: 16))\r\n".utf8)
        body += [UInt8](repeating: 120, count: chunk) + [13, 10]
      }
      body += Array("0\r\n\r\n".utf8)
      return { count in
        var sum = 0
        for _ in 0..<count { sum += decode(body.span) }
        return sum
      }
    }
  }

  /// Bytes of data in a whole chunked body.
  private static func decode(_ body: Span<UInt8>) -> Int {
    var decoder = ChunkedDecoder()
    var position = 0
    var sum = 0
    while true {
      guard let event = try? decoder.next(body, at: &position) else { return -1 }
      switch event {
      case .data(let slice): sum += slice.range.count
      case .trailer: break
      case .needsMore: return -1
      case .end: return sum
      }
    }
  }

  /// A file that is known, asked for again and again.
  private static func file(asked fields: String) -> (Int) -> Int {
    let text = "GET \(path) HTTP/1.1\nHost: erp.example.com\n\(fields)".asHead
    var head = RequestHead()
    Heads.parse(&head, text)
    let request = FileRequest(head)
    var server = FileServer(seed: 1)
    let route = know(by: &server, request, text)
    return { count in answer(request, text, route, count, by: &server) }
  }

  private static var path: String { "/desk.css" }
  private static var now: Instant { 1_000_000_000 }

  /// Has the file looked up; the number of its route.
  private static func know(
    by server: inout FileServer, _ request: FileRequest, _ head: [UInt8]
  ) -> Int {
    guard var folder = try? TemporaryFolder(prefix: "micro"),
      (try? folder.write(String(repeating: "x", count: 4096), to: String(path.dropFirst()))) != nil
    else { preconditionFailure("no file can be written") }
    let route = server.install([FileRoute(base: .root(folder.path))])
    let none = "".utf8.span
    let lookup = FileLookup(
      server.question(
        request, route: route, path: path.utf8.span, site: none, type: none, head: head.span,
        now: now)
    ) { _ in }
    lookup.run()
    let problem = server.admit(lookup, now: now)
    precondition(problem == nil)
    server.release()
    return route
  }

  private static func answer(
    _ request: FileRequest, _ head: [UInt8], _ route: Int, _ count: Int,
    by server: inout FileServer
  ) -> Int {
    let none = "".utf8.span
    var fields = ByteBuffer(capacity: server.fieldsLimit)
    var output = ByteBuffer(capacity: 16 << 10)
    var sum = 0
    for _ in 0..<count {
      fields.clear()
      output.clear()
      let answer = server.answer(
        request, route: route, path: path.utf8.span, site: none, type: none, head: head.span,
        now: now, into: &fields)
      guard case .response(var response) = answer else { preconditionFailure("it is known") }
      output.append(fields.readable)
      server.append(&response, to: &output)
      sum += output.count
      server.finish(response)
    }
    return sum
  }
}
