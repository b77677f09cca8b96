import Balancing
import HTTP
import Memory
import Reactor
import Routing

extension Worker {
  /// The server, whose head stands in `responseHead`, leaves the answer to another route: mostly
  /// a file that it has found the client may have.
  mutating func followAccelRedirect(_ exchange: Handle) {
    keepSurvivors(exchange)
    let count = exchanges[exchange].accel.count + 1
    exchanges[exchange].accel.count = count
    exchanges[exchange].accel.target = accelValue(exchange)
    letServerGo(exchange)
    guard count <= AccelRedirect.countLimit else {
      exchanges[exchange].accel.clear()
      return refuse(exchange, status: 500, reason: .redirectCircle)
    }
    if let name = exchanges[exchange].accel.name { return followName(exchange, name) }
    path.clear()
    guard let query = Self.writePath(of: &exchanges[exchange].accel.target, to: &path) else {
      return refuse(exchange, status: 404, reason: .noRoute, endsConnection: false)
    }
    exchanges[exchange].accel.query = query
    // As it came: what the route before has taken out of it may be for the next one.
    parseHeadAgain(exchange)
    switch matchInternally(exchange) {
    case .route(let index): follow(exchange, route: index)
    case .notFound: refuse(exchange, status: 404, reason: .noRoute, endsConnection: false)
    case .gaveUp: refuse(exchange, status: 500, reason: .noRoute)
    }
  }

  private static func writePath(
    of target: inout ByteBuffer, to path: inout ByteBuffer
  ) -> Range<Int>? {
    InternalTarget.write(target.readable, to: &path)
  }

  private func snapshotOf(_ exchange: Handle) -> Snapshot {
    generations[exchanges[exchange].generation].snapshot
  }

  /// Finds the route of the path that a server has named.
  mutating func matchInternally(_ exchange: Handle) -> RouteTable.Outcome {
    Self.matchInternally(
      &requestHead, of: &exchanges[exchange].request, path: &path,
      isHead: exchanges[exchange].facts.method == .head, in: snapshotOf(exchange).table,
      scratch: &routeScratch)
  }

  private static func matchInternally(
    _ head: inout RequestHead, of request: inout ByteBuffer, path: inout ByteBuffer,
    isHead: Bool, in table: RouteTable, scratch: inout RouteScratch
  ) -> RouteTable.Outcome {
    table.match(
      head, in: request.written, path: path.readable, method: isHead ? "HEAD" : "GET",
      scratch: &scratch)
  }

  /// `@name` is the route of that name, which takes the request as it came.
  private mutating func followName(_ exchange: Handle, _ name: String) {
    guard let index = snapshotOf(exchange).configuration.routeIndex(named: name) else {
      return refuse(exchange, status: 500, reason: .noRoute, endsConnection: false)
    }
    exchanges[exchange].accel.target.clear()
    parseHeadAgain(exchange)
    guard writePathAgain(exchange) else {
      return refuse(exchange, status: 400, reason: .badRequest)
    }
    matchAgain(exchange)
    follow(exchange, route: index)
  }

  /// The value of the first X-Accel-Redirect: a name as it is, anything else as a target.
  private func accelValue(_ exchange: Handle) -> ByteBuffer {
    let slice = responseHead.fields.first(.xAccelRedirect)?.value ?? .empty
    let bytes = exchanges[exchange].input.readable.extracting(slice.range)
    var value = ByteBuffer(capacity: max(3 * bytes.count, 1))
    if bytes.count > 0, bytes[0] == UInt8(ascii: "@") {
      value.append(bytes)
    } else {
      InternalTarget.escape(bytes, to: &value)
    }
    return value
  }

  /// Keeps what stays of the server's head, beside what has been kept before.
  private mutating func keepSurvivors(_ exchange: Handle) {
    let before = exchanges[exchange].accel.text.take()
    var text = ByteBuffer(capacity: before.count + responseHead.length + 1)
    let typeCount = appendSurvivors(
      of: exchange, beside: before, exchanges[exchange].accel.typeCount, to: &text)
    exchanges[exchange].accel.text = text
    exchanges[exchange].accel.typeCount = typeCount
    if responseHead.fields.contains(.cacheControl) {
      exchanges[exchange].accel.keepsCacheControl = true
    }
  }

  /// Appends the media type, whose length it answers, and the lines that stay.
  private func appendSurvivors(
    of exchange: Handle, beside before: borrowing ByteBuffer, _ typeBefore: Int,
    to text: inout ByteBuffer
  ) -> Int {
    let bytes = exchanges[exchange].input.readable
    if let type = responseHead.fields.first(.contentType)?.value {
      text.append(bytes.extracting(type.range))
    } else {
      text.append(before.readable.extracting(first: typeBefore))
    }
    let typeCount = text.count
    text.append(before.readable.extracting(droppingFirst: typeBefore))
    var writer = HeadWriter()
    for i in 0..<responseHead.fields.count {
      let field = responseHead.fields[i]
      guard field.isForwarded, AccelRedirect.survivors.contains(field.id) else { continue }
      writer.copy(field, from: bytes, to: &text)
    }
    return typeCount
  }

  /// Whatever body the server sends nobody wants; one that is here already does not cost the
  /// connection.
  private mutating func letServerGo(_ exchange: Handle) {
    exchanges[exchange].input.consume(responseHead.length)
    let here = UInt64(exchanges[exchange].input.count)
    let isWhole =
      switch responseHead.framing {
      case .none: here == 0
      case .length(let length): here == length
      case .chunked, .untilClose: false
      }
    let isDone = exchanges[exchange].isSent && exchanges[exchange].requestBody.isDone
    releaseUpstream(exchange, isReusable: isWhole && isDone && responseHead.isPersistent)
    endRequest(exchange, .answered)
    buffers.strip(&exchanges[exchange].input)
    if !exchanges[exchange].requestBody.isDone { exchanges[exchange].endsConnection = true }
    exchanges[exchange].facts.method =
      exchanges[exchange].facts.method == .head ? .head : .get
    clients[exchanges[exchange].client].deadline.clear()
    exchanges[exchange].reason = .ok
  }

  /// Asks a pool on behalf of a server: with GET or HEAD, with the client's fields and, as nginx
  /// does, its body once more.
  mutating func proxyAgain(_ exchange: Handle) {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    exchanges[exchange].pool = generations[generation].snapshot.pools[pool].facts
    exchanges[exchange].attempts = 0
    exchanges[exchange].retry.freeTries = 0
    exchanges[exchange].retry.waitEnd = 0
    exchanges[exchange].sends = 0
    exchanges[exchange].queuedSince = 0
    exchanges[exchange].tried = TriedServers()
    exchanges[exchange].server = -1
    takeKey(exchange)
    guard rewindBody(exchange) else {
      return refuse(exchange, status: 502, reason: .serverMalformed)
    }
    askServer(exchange)
  }

  // MARK: In heads

  /// Appends the fields that an earlier server has left for this answer.
  func appendSurvivors(
    _ exchange: Handle, _ edits: HeadEdits?, _ writer: inout HeadWriter,
    to output: inout ByteBuffer
  ) {
    guard exchanges[exchange].accel.linesCount > 0 else { return }
    let text = exchanges[exchange].accel.text.readable
    let lines = text.extracting(droppingFirst: exchanges[exchange].accel.typeCount)
    appendLines(lines, exchange, edits, &writer, to: &output)
  }

  /// Appends the media type that an earlier server has given to a response that has none.
  func appendKeptType(
    _ exchange: Handle, _ edits: HeadEdits?, _ writer: inout HeadWriter,
    to output: inout ByteBuffer
  ) {
    let count = exchanges[exchange].accel.typeCount
    guard count > 0, !responseHead.fields.contains(.contentType),
      edits?.dropped.contains(.contentType) != true
    else { return }
    writer.field(
      "Content-Type", exchanges[exchange].accel.text.readable.extracting(first: count), to: &output)
  }
}
