import Files
import HTTP
import Memory
import Reactor

extension Worker {
  /// Bytes of a file sent with one call: mostly the socket's buffer is full before. nginx:
  /// `sendfile_max_chunk`.
  static let filePiece = 2 << 20
  /// What of that counts as one piece of `pieceBudget`.
  static let countedFilePiece = 256 << 10

  /// Answers from disk or from memory; the head stands in `requestHead`, the path in `path`.
  mutating func serveFile(_ exchange: Handle) {
    writeSite(exchange)
    writeMediaType(exchange)
    serveFile(exchange, fileRequest(exchange))
  }

  /// Puts into `mediaType` what a server has said that the file is; nothing where none has.
  @inline(__always) private mutating func writeMediaType(_ exchange: Handle) {
    mediaType.clear()
    let count = exchanges[exchange].accel.typeCount
    guard count > 0, count <= mediaType.space else { return }
    Self.copy(count, of: &exchanges[exchange].accel.text, to: &mediaType)
  }

  private static func copy(
    _ count: Int, of text: inout ByteBuffer, to type: inout ByteBuffer
  ) {
    type.append(text.readable.extracting(first: count))
  }

  /// Answers a request for a file that need not be what the client asked for: the path stands in
  /// `path`, the value of the route's variable in `site`, and in `mediaType` what the file's own
  /// media type gives way to, if anything.
  ///
  /// - Parameter asked: how often a file thread has been asked for it already.
  mutating func serveFile(_ exchange: Handle, _ request: FileRequest, asked: Int = 0) {
    let generation = exchanges[exchange].generation
    let route = generations[generation].firstFileRoute + exchanges[exchange].route.index
    fields.clear()
    if fields.capacity < files.fieldsLimit { fields = ByteBuffer(capacity: files.fieldsLimit) }
    let answer = Self.ask(
      &files, request, route: route, path: &path, site: &site, type: &mediaType,
      head: &exchanges[exchange].request, now: clock.now, into: &fields)
    if answer.isCold { return lookForFile(exchange, request, route: route, asked: asked) }
    if files.isRefreshDue { refreshFile(exchange, request, route: route) }
    if files.isImprovementDue { improveFile(exchange, request, route: route) }
    sendFileAnswer(exchange, answer)
  }

  /// Puts into `site` what the route's variable stands for; nothing where it has none.
  @inline(__always) private mutating func writeSite(_ exchange: Handle) {
    site.clear()
    let route = exchanges[exchange].route.index
    let snapshot = generations[exchanges[exchange].generation].snapshot
    guard let template = snapshot.routes[route].site else { return }
    if template.needsHead { needHead(exchange) }
    var text = site.take()
    // What does not fit is no directory's name, and neither is nothing.
    _ = write(template, of: exchange, to: &text)
    site = text
  }

  private static func ask(
    _ files: inout FileServer, _ request: FileRequest, route: Int, path: inout ByteBuffer,
    site: inout ByteBuffer, type: inout ByteBuffer, head: inout ByteBuffer, now: Instant,
    into fields: inout ByteBuffer
  ) -> FileAnswer {
    files.answer(
      request, route: route, path: path.readable, site: site.readable, type: type.readable,
      head: head.readable, now: now, into: &fields)
  }

  @inline(__always) private func fileRequest(_ exchange: Handle) -> FileRequest {
    var request = FileRequest(requestHead)
    // A server that leaves the answer to another route has it answered to GET or HEAD.
    request.method = exchanges[exchange].facts.method
    request.omitsCacheControl = exchanges[exchange].accel.keepsCacheControl
    return request
  }

  @inline(__always) private mutating func sendFileAnswer(
    _ exchange: Handle, _ answer: consuming FileAnswer
  ) {
    switch consume answer {
    case .cold: preconditionFailure("it waits for a file thread")
    case .notFound:
      let generation = exchanges[exchange].generation
      let route = exchanges[exchange].route.index
      if case .files(_, let fallback?) = generations[generation].snapshot.routes[route].action {
        return follow(exchange, route: fallback)
      }
      refuse(exchange, status: 404, reason: .ok, endsConnection: false)
    case .refused(let status):
      refuse(
        exchange, status: UInt16(clamping: status), reason: .ok, endsConnection: false,
        withFields: true)
    case .response(let response):
      sendFileResponse(exchange, response)
    }
  }

  @inline(__always) private mutating func sendFileResponse(
    _ exchange: Handle, _ response: consuming FileResponse
  ) {
    passOverBody(exchange)
    if isTakingLeave { exchanges[exchange].endsConnection = true }
    exchanges[exchange].status = UInt16(clamping: response.status)
    exchanges[exchange].phase = .responding
    let edits = responseEdits(of: exchange)
    var output = takeOutput(exchange, space: files.fieldsLimit)
    var writer = HeadWriter()
    writer.statusLine(exchanges[exchange].status, to: &output)
    date.write(&writer, to: &output)
    appendLines(fields.readable, exchange, edits, &writer, to: &output)
    appendSurvivors(exchange, edits, &writer, to: &output)
    appendOwnFields(exchange, &writer, to: &output)
    let fits = writer.end(&output)
    precondition(fits, "room was made above")
    exchanges[exchange].hasResponseHead = true
    files.append(&response, to: &output)
    exchanges[exchange].output = output
    exchanges[exchange].file = consume response
    exchanges[exchange].isResponseWhole = true
    endFileIfDone(exchange)
    pumpResponse(exchange)
  }

  /// Sends what comes next of a file; nil when there is no file, or nothing more of it.
  mutating func sendFile(
    _ exchange: Handle, _ budget: inout Int
  ) throws(SystemError) -> Int? {
    guard var response = exchanges[exchange].file.take() else { return nil }
    let client = exchanges[exchange].client
    var sent: Int?
    switch response.piece {
    case .end: break
    case .text, .memory:
      buffers.equip(&exchanges[exchange].output)
      files.append(&response, to: &exchanges[exchange].output)
      sent = 0
    case .file(let offset, let count):
      let result: Result<Int?, SystemError>
      do throws(SystemError) {
        result = .success(
          try files[fileOf: response.source].send(
            from: offset, count: min(count, Self.filePiece), to: &clients[client].transport))
      } catch {
        result = .failure(error)
      }
      guard case .success(let taken?) = result else {
        exchanges[exchange].file = consume response
        if case .failure(let error) = result { throw error }
        // Cut since its length was announced: the client must not take it for whole.
        throw SystemError(call: "sendfile", errno: SystemError.inputOutput)
      }
      response.advance(by: taken)
      budget -= taken / Self.countedFilePiece
      sent = taken
    case .remote(let offset, let count):
      do throws(SystemError) {
        sent = try sendFilePiece(exchange, of: response.source, from: offset, count: count)
      } catch {
        exchanges[exchange].file = consume response
        throw error
      }
      response.advance(by: sent ?? 0)
    }
    exchanges[exchange].file = consume response
    endFileIfDone(exchange)
    return sent
  }

  private mutating func endFileIfDone(_ exchange: Handle) {
    guard let piece = exchanges[exchange].file?.piece, piece == .end else { return }
    closeFile(exchange)
  }

  mutating func closeFile(_ exchange: Handle) {
    dropFilePiece(exchange)
    if let response = exchanges[exchange].file.take() { files.finish(response) }
  }
}
