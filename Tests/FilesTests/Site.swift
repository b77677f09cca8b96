import Files
import HTTP
import Memory
import Reactor

/// A file server over a folder, asked as a worker asks it, at a time that moves when told.
final class Site {
  let folder: Folder
  var server: FileServer
  var now: Instant = 1_000_000_000_000
  var version = "1.1"
  /// What the route's variable stands for.
  var name = "site.test"
  /// The media type that answers are given; empty for the file's own.
  var type = ""
  var omitsCacheControl = false

  init(
    _ folder: Folder = Folder(), limits: FileLimits = FileLimits(),
    route: (Folder) -> FileRoute = { FileRoute(base: .root($0.path)) }
  ) {
    self.folder = folder
    server = FileServer(limits: limits, seed: 42)
    install([route(folder)])
  }

  /// The number of the route that is asked.
  private var route = 0

  func install(_ routes: [FileRoute]) { route = server.install(routes) }

  /// Whether what nobody waits for is left to `refresh`.
  var isDiskSlow = false
  private var refreshes: [FileLookup] = []

  /// The disk answers what nobody waits for.
  func refresh() {
    for lookup in refreshes {
      lookup.run()
      _ = server.admit(lookup, now: now)
      server.release()
    }
    refreshes = []
  }

  struct Reply: Equatable {
    var status: Int
    /// As they were appended.
    var head = ""
    var body: [UInt8] = []
    var contentLength = 0
    /// Whether the disk was asked before there was an answer.
    var wasCold = false
    /// Whether the disk was asked though there was an answer.
    var wasStale = false
    /// Whether what was sent is to be compressed better for others.
    var wasWorthMore = false
    /// Whether the body came from an open file.
    var wasFile = false

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? {
      for line in head.split(separator: "\r\n") where line.hasPrefix("\(name): ") {
        return String(line.dropFirst(name.utf8.count + 2))
      }
      return nil
    }
  }

  func get(_ path: String, _ fields: [String: String] = [:]) -> Reply {
    ask("GET", path, fields)
  }

  func ask(
    _ method: String, _ path: String, _ fields: [String: String] = [:]
  ) -> Reply {
    var reply = Reply(status: 0)
    finish(begin(method, path, &reply, fields), &reply)
    return reply
  }

  private func finish(_ answer: consuming FileAnswer, _ reply: inout Reply) {
    switch answer {
    case .cold: reply.status = -1
    case .notFound: if reply.status == 0 { reply.status = 404 }
    case .refused(let status): reply.status = status
    case .response(var response):
      reply.status = response.status
      reply.contentLength = response.contentLength
      readBody(of: &response, &reply)
      server.finish(response)
    }
  }

  /// Asks, and leaves the body to be read.
  func begin(
    _ method: String, _ path: String, _ reply: inout Reply,
    _ fields: [String: String] = [:]
  ) -> FileAnswer {
    var text = "\(method) / HTTP/\(version)\r\nHost: site.test\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    text += "\r\n"
    var head = RequestHead()
    do {
      let isComplete = try head.parse(text.utf8.span, limits: HeadLimits())
      precondition(isComplete)
    } catch {
      preconditionFailure("\(text): \(error)")
    }
    var request = FileRequest(head)
    request.omitsCacheControl = omitsCacheControl

    var buffer = ByteBuffer(capacity: server.fieldsLimit)
    func answer() -> FileAnswer {
      server.answer(
        request, route: route, path: path.utf8.span, site: name.utf8.span, type: type.utf8.span,
        head: text.utf8.span, now: now, into: &buffer)
    }
    func lookup(isThorough: Bool = false) -> FileLookup {
      let question = server.question(
        request, route: route, path: path.utf8.span, site: name.utf8.span,
        type: type.utf8.span, head: text.utf8.span, now: now, isThorough: isThorough)
      return FileLookup(question) { _ in }
    }
    var result = answer()
    if result.isCold {
      reply.wasCold = true
      precondition(buffer.isEmpty, "a cold answer says nothing yet")
      let lookup = lookup()
      lookup.run()
      guard server.admit(lookup, now: now) == nil else {
        reply.status = 500
        return .notFound
      }
      result = answer()
      precondition(!result.isCold, "who has waited is answered")
      server.release()
    } else if server.isRefreshDue {
      reply.wasStale = true
      refreshes.append(lookup())
    }
    if server.isImprovementDue {
      reply.wasWorthMore = true
      refreshes.append(lookup(isThorough: true))
    }
    if !isDiskSlow { refresh() }
    reply.head = String(decoding: bytes(of: buffer), as: UTF8.self)
    return result
  }

  /// Reads a body to its end, a few hundred bytes at a time.
  func readBody(of response: inout FileResponse, _ reply: inout Reply) {
    var buffer = ByteBuffer(capacity: server.fieldsLimit)
    while true {
      server.append(&response, to: &buffer)
      switch response.piece {
      case .end:
        reply.body += bytes(of: buffer)
        return
      case .file(let offset, let count), .remote(let offset, let count):
        reply.wasFile = true
        if buffer.space == 0 {
          reply.body += bytes(of: buffer)
          buffer.clear()
        }
        var window = ByteBuffer(capacity: min(count, buffer.space))
        let got = try? server[fileOf: response.source].readSome(at: offset, into: &window)
        guard let got, got > 0 else { return }
        buffer.append(window.readable)
        response.advance(by: got)
      case .memory, .text:
        precondition(!buffer.isEmpty, "an empty buffer takes something")
        reply.body += bytes(of: buffer)
        buffer.clear()
      }
    }
  }

  private func bytes(of buffer: borrowing ByteBuffer) -> [UInt8] {
    var copy: [UInt8] = []
    for i in buffer.readable.indices { copy.append(buffer.readable[i]) }
    return copy
  }
}
