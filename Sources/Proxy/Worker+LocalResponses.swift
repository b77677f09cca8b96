import Configuration
import HTTP
import Memory
import Reactor
import Routing

extension Worker {
  /// Answers a request that is not served, with a short body that says so and names the request.
  ///
  /// - Parameter endsConnection: what follows on the connection cannot be told from a request.
  mutating func refuse(
    _ exchange: Handle, status: UInt16, reason: Termination, endsConnection: Bool = true,
    withFields: Bool = false
  ) {
    leaveRoom(exchange)
    exchanges[exchange].reason = reason
    // What a file thread finds out for it is no longer its answer.
    exchanges[exchange].fileWait = nil
    // An answer has begun already: it cannot be taken back, only cut.
    if exchanges[exchange].hasResponseHead { return cutResponse(exchange) }
    if endsConnection || !exchanges[exchange].requestBody.isDone {
      exchanges[exchange].endsConnection = true
    }
    passOverBody(exchange)
    if exchanges[exchange].upstream != .none {
      releaseUpstream(exchange, isReusable: false)
      endRequest(exchange, .abandoned)
    }
    if !withFields { fields.clear() }
    if reason == .queueFull || reason == .queueTimeout, answerWithPage(exchange) { return }
    answerInWords(exchange, status: status)
  }

  /// Sends the status and a body that says it in words.
  private mutating func answerInWords(_ exchange: Handle, status: UInt16) {
    let isJSON = exchanges[exchange].facts.wantsJSON
    var body = scratch.take()
    body.clear()
    ErrorBody.write(
      status, asJSON: isJSON, refresh: refresh(exchange), id: RequestIDText(exchanges[exchange]),
      from: exchanges[exchange].request.written, to: &body)
    scratch = body
    answer(
      exchange, status: status,
      contentType: isJSON ? "application/json" : "text/html; charset=utf-8")
  }

  /// When a page loads itself anew, in seconds; 0 where it does not: what was sent is not sent again
  /// by a page.
  private func refresh(_ exchange: Handle) -> UInt64 {
    let reason = exchanges[exchange].reason
    guard reason == .queueFull || reason == .queueTimeout,
      exchanges[exchange].facts.method == .get
    else { return 0 }
    return exchanges[exchange].pool.retryAfter
  }

  /// Sends browsers the pool's own page; false when it has none.
  private mutating func answerWithPage(_ exchange: Handle) -> Bool {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    guard !exchanges[exchange].facts.wantsJSON, pool >= 0,
      let page = generations[generation].snapshot.pools[pool].busyPage
    else { return false }
    scratch.clear()
    if page.count > scratch.space { scratch = ByteBuffer(capacity: page.count) }
    scratch.append(page.span)
    answer(exchange, status: 503, contentType: "text/html; charset=utf-8")
    return true
  }

  /// The most of a body that is read only to get to the next request.
  static let unwantedBodyLimit: UInt64 = 64 << 10

  /// Decides what becomes of a body that the answer does without: a small one is passed over,
  /// any other ends the connection.
  mutating func passOverBody(_ exchange: Handle) {
    guard exchanges[exchange].phase == .head, exchanges[exchange].headLength > 0,
      requestHead.framing.hasBody
    else { return }
    if case .length(let length) = requestHead.framing, length <= Self.unwantedBodyLimit,
      !requestHead.expectsContinue
    {
      exchanges[exchange].unwantedBody = Int(length)
    } else {
      exchanges[exchange].endsConnection = true
    }
  }

  /// nginx: `return`, with a body.
  mutating func respond(_ exchange: Handle) {
    passOverBody(exchange)
    let generation = exchanges[exchange].generation
    let route = exchanges[exchange].route.index
    guard case .respond(let plan) = generations[generation].snapshot.routes[route].action else {
      preconditionFailure("the route's kind says so")
    }
    scratch.clear()
    if plan.body.count > scratch.space { scratch = ByteBuffer(capacity: plan.body.count) }
    scratch.append(plan.body.span)
    fields.clear()
    answer(exchange, status: plan.status, contentType: plan.contentType)
  }

  /// nginx: `return 301`, `rewrite … permanent`.
  mutating func redirect(_ exchange: Handle) {
    passOverBody(exchange)
    let generation = exchanges[exchange].generation
    let route = exchanges[exchange].route.index
    guard case .redirect(let plan) = generations[generation].snapshot.routes[route].action else {
      preconditionFailure("the route's kind says so")
    }
    var location = fields.take()
    location.clear()
    if location.capacity < 32 << 10 { location = ByteBuffer(capacity: 32 << 10) }
    location.append("Location: ")
    writeTarget(plan.target, of: exchange, to: &location)
    fields = location
    guard !fields.isEmpty else { return refuse(exchange, status: 414, reason: .badRequest) }
    answerInWords(exchange, status: plan.status)
  }

  /// Sends the client to the same place over HTTPS. nginx: `return 301 https://$host$request_uri`.
  mutating func redirect(_ exchange: Handle, by rule: ListenRedirect) {
    // HTTP/1.0 may leave out which site is meant.
    guard !requestHead.hostName.isEmpty else {
      return refuse(exchange, status: 400, reason: .badRequest)
    }
    passOverBody(exchange)
    var location = fields.take()
    location.clear()
    writeSecureLocation(of: exchange, port: rule.port, to: &location)
    fields = location
    answerInWords(exchange, status: UInt16(clamping: rule.status))
  }

  /// Nothing is to be escaped: host and target have been read strictly, so that the one has no
  /// byte that ends a host, and the other none that ends a field.
  private func writeSecureLocation(
    of exchange: Handle, port: Int, to location: inout ByteBuffer
  ) {
    let head = exchanges[exchange].request.written
    let host = head.extracting(requestHead.hostName.range)
    let target = head.extracting(Int(requestHead.path.start)..<requestHead.target.end)
    let size = host.count + target.count + 64
    if location.capacity < size { location = ByteBuffer(capacity: size) }
    location.append("Location: https://")
    location.append(host)
    if port != 443 {
      location.append(":")
      location.append(decimal: UInt64(port))
    }
    if target.count == 0 || target[0] != UInt8(ascii: "/") { location.append("/") }
    // `*` asks about no place of its own.
    if requestHead.targetForm != .asterisk { location.append(target) }
    location.append("\r\n")
  }

  /// Appends where a redirect leads; leaves nothing when that is too long for a field.
  private func writeTarget(
    _ target: RedirectTarget, of exchange: Handle, to location: inout ByteBuffer
  ) {
    let head = exchanges[exchange].request.written
    let accel = exchanges[exchange].accel.query
    let query =
      exchanges[exchange].accel.isActive
      ? exchanges[exchange].accel.target.readable.extracting(accel)
      : head.extracting((requestHead.query ?? .empty).range)
    let isWritten = target.write(
      into: &location, path: path.readable, query: query,
      host: head.extracting(requestHead.hostName.range), captures: routeScratch.captures)
    if isWritten, location.space >= 2 { location.append("\r\n") } else { location.clear() }
  }

  /// Sends the status with the lines that stand in `fields` and what stands in `scratch`.
  private mutating func answer(_ exchange: Handle, status: UInt16, contentType: String) {
    exchanges[exchange].status = status
    exchanges[exchange].phase = .responding
    exchanges[exchange].responseBody = .none
    if isTakingLeave { exchanges[exchange].endsConnection = true }
    clients[exchanges[exchange].client].deadline.clear()
    let isEmpty = status == 204 || status == 304
    let sendsBody = exchanges[exchange].facts.method != .head && !isEmpty
    let edits = responseEdits(of: exchange)
    var output = takeOutput(exchange, space: fields.count + (sendsBody ? scratch.count : 0))
    var writer = HeadWriter()
    writer.statusLine(status, to: &output)
    date.write(&writer, to: &output)
    if !isEmpty {
      if edits?.dropped.contains(.contentType) != true {
        writer.field("Content-Type", contentType.utf8.span, to: &output)
      }
      writer.field("Content-Length", decimal: UInt64(scratch.count), to: &output)
    }
    if status == 503 {
      writer.field("Retry-After", decimal: exchanges[exchange].pool.retryAfter, to: &output)
      writer.field("Cache-Control", "no-store", to: &output)
    }
    appendLines(fields.readable, exchange, edits, &writer, to: &output)
    appendSurvivors(exchange, edits, &writer, to: &output)
    appendOwnFields(exchange, &writer, to: &output)
    let fits = writer.end(&output)
    precondition(fits, "room was made above")
    if sendsBody { output.append(scratch.readable) }
    exchanges[exchange].output = output
    exchanges[exchange].hasResponseHead = true
    exchanges[exchange].isResponseWhole = true
    pumpResponse(exchange)
  }
}
