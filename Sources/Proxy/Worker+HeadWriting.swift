import HTTP
import Memory
import Network
import Reactor

// What a head is written into is taken out of its exchange meanwhile, so that the rest of the
// exchange can be read.

extension Worker {
  /// Room for all that we add to a head of our own accord.
  static let ownFieldsSpace = 1024

  // MARK: To the server

  /// Writes the request's head anew for the server: the client's own framing and hop-by-hop
  /// fields stay here, who asks and how is said by policy.
  mutating func writeRequestHead(_ exchange: Handle) {
    if headOwner != exchange { parseHeadAgain(exchange) }
    if exchanges[exchange].route.editsRequest { dropEditedFields(exchange) }
    let needed =
      exchanges[exchange].headLength + Self.ownFieldsSpace + editsSpace(exchange)
    var input = exchanges[exchange].input.take()
    input.clear()
    if input.space < needed { Self.grow(&input, to: needed, &buffers) }
    var writer = HeadWriter()
    appendRequestHead(exchange, &writer, to: &input)
    let fits = writer.end(&input)
    precondition(fits, "room was made above")
    exchanges[exchange].input = input
  }

  private func appendRequestHead(
    _ exchange: Handle, _ writer: inout HeadWriter, to input: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].request.written
    let forwarded = generations[exchanges[exchange].generation].snapshot.forwarded
    let isTrusted = exchanges[exchange].facts.isTrusted
    // What a trusted proxy has said of the client stands.
    let setsProto =
      forwarded.setsProto && !(isTrusted && requestHead.fields.contains(.xForwardedProto))
    let setsHost =
      forwarded.setsHost && !(isTrusted && requestHead.fields.contains(.xForwardedHost))
    var except: FieldNameSet = [.host, .contentLength]
    if !exchanges[exchange].relaysExpect { except.insert(.expect) }
    if forwarded.addresses != .off { except.insert(.xForwardedFor) }
    if setsProto { except.insert(.xForwardedProto) }
    if setsHost { except.insert(.xForwardedHost) }
    if !exchanges[exchange].keepsRequestID { except.insert(.xRequestID) }

    writer.requestLine(requestHead, from: bytes, to: &input)
    appendHost(exchange, &writer, to: &input)
    writer.copyFields(requestHead.fields, from: bytes, except: except, to: &input)
    if forwarded.addresses != .off {
      appendForwardedFor(exchange, isReplaced: forwarded.addresses == .replace, to: &input)
    }
    if setsProto { writer.field("X-Forwarded-Proto", "http", to: &input) }
    if setsHost, !exchanges[exchange].facts.host.isEmpty {
      writer.field(
        "X-Forwarded-Host", bytes.extracting(exchanges[exchange].facts.host.range), to: &input)
    }
    let id = RequestIDText(exchanges[exchange])
    if !exchanges[exchange].keepsRequestID, !id.isEmpty {
      input.append("X-Request-Id: ")
      id.write(from: bytes, to: &input)
      input.append("\r\n")
    }
    if let via = forwarded.via { writer.field("Via", "1.1 \(via)".utf8.span, to: &input) }
    appendRequestFraming(exchange, &writer, to: &input)
    if exchanges[exchange].route.editsRequest {
      writer.lines(route(of: exchange).requestEdits.lines.span, to: &input)
    }
  }

  private func route(of exchange: Handle) -> Snapshot.Route {
    generations[exchanges[exchange].generation].snapshot.routes[exchanges[exchange].route.index]
  }

  /// Drops the fields that the route removes or sets anew.
  private mutating func dropEditedFields(_ exchange: Handle) {
    let edits = route(of: exchange).requestEdits
    Self.drop(edits, from: &requestHead, of: &exchanges[exchange].request)
  }

  private static func drop(
    _ edits: HeadEdits, from head: inout RequestHead, of buffer: inout ByteBuffer
  ) {
    for i in 0..<head.fields.count
    where edits.removes(buffer.written.extracting(head.fields[i].name.range)) {
      head.dropField(at: i)
    }
  }

  private func appendHost(
    _ exchange: Handle, _ writer: inout HeadWriter, to input: inout ByteBuffer
  ) {
    let host = exchanges[exchange].facts.host
    // An HTTP/1.0 client need not have named one.
    if exchanges[exchange].pool.preservesHost, !host.isEmpty {
      writer.field(
        "Host", exchanges[exchange].request.written.extracting(host.range), to: &input)
      return
    }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let pool = exchanges[exchange].route.pool
    writer.field(
      "Host", snapshot.pools[pool].hosts[exchanges[exchange].server].utf8.span, to: &input)
  }

  /// nginx: `$proxy_add_x_forwarded_for`; or, replaced, `$remote_addr` as trusted proxies tell.
  private func appendForwardedFor(
    _ exchange: Handle, isReplaced: Bool, to input: inout ByteBuffer
  ) {
    input.append("X-Forwarded-For: ")
    if !isReplaced, exchanges[exchange].facts.isTrusted {
      let bytes = exchanges[exchange].request.written
      for i in 0..<requestHead.fields.count {
        let field = requestHead.fields[i]
        guard field.id == .xForwardedFor, field.isForwarded, !field.value.isEmpty else { continue }
        input.append(bytes.extracting(field.value.range))
        input.append(", ")
      }
    }
    let address =
      isReplaced
      ? exchanges[exchange].facts.address : clients[exchanges[exchange].client].address.address
    input.write { address.write(into: &$0) }
    input.append("\r\n")
  }

  private func appendRequestFraming(
    _ exchange: Handle, _ writer: inout HeadWriter, to input: inout ByteBuffer
  ) {
    if exchanges[exchange].facts.upgrades {
      writer.field("Connection", "upgrade", to: &input)
      writer.field("Upgrade", "websocket", to: &input)
      return
    }
    if let length = exchanges[exchange].upstreamLength {
      writer.field("Content-Length", decimal: length, to: &input)
    } else if exchanges[exchange].sendsChunks {
      writer.field("Transfer-Encoding", "chunked", to: &input)
    }
    if exchanges[exchange].pool.idleLimit == 0 {
      writer.field("Connection", "close", to: &input)
    }
  }

  // MARK: To the client

  /// Writes the response's head anew for the client.
  mutating func writeResponseHead(_ exchange: Handle) -> Bool {
    if exchanges[exchange].route.editsResponse { dropEditedResponseFields(exchange) }
    var output = takeOutput(exchange, space: responseHead.length)
    var writer = HeadWriter()
    appendResponseHead(exchange, &writer, to: &output)
    let fits = writer.end(&output)
    exchanges[exchange].output = output
    return fits
  }

  private func appendResponseHead(
    _ exchange: Handle, _ writer: inout HeadWriter, to output: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].input.readable
    writer.statusLine(
      responseHead.status, reason: bytes.extracting(responseHead.reason.range), to: &output)
    if exchanges[exchange].status == 101 {
      writer.field("Connection", "upgrade", to: &output)
      writer.field("Upgrade", "websocket", to: &output)
    }
    let isCompressed = exchanges[exchange].gzip == .compressed
    var except: FieldNameSet = [
      .contentLength, .xAccelBuffering, .xAccelExpires, .xAccelLimitRate, .xAccelCharset,
    ]
    if isCompressed { except.formUnion(Self.fieldsOfPlain) }
    writer.copyFields(responseHead.fields, from: bytes, except: except, to: &output)
    if !responseHead.fields.contains(.date) { date.write(&writer, to: &output) }
    // Also where no body follows: to HEAD and with 304 it tells how long one would be.
    if let length = responseHead.contentLength, !isCompressed {
      writer.field("Content-Length", decimal: length, to: &output)
    }
    if exchanges[exchange].encoding == .chunked {
      writer.field("Transfer-Encoding", "chunked", to: &output)
    }
    if exchanges[exchange].gzip != .untouched { appendGzipFields(exchange, &writer, to: &output) }
    if exchanges[exchange].pool.issuesCookie { appendAffinityCookie(exchange, to: &output) }
    appendOwnFields(exchange, &writer, to: &output)
  }

  private mutating func dropEditedResponseFields(_ exchange: Handle) {
    let edits = route(of: exchange).responseEdits
    Self.drop(edits, from: &responseHead, of: &exchanges[exchange].input)
  }

  private static func drop(
    _ edits: HeadEdits, from head: inout ResponseHead, of buffer: inout ByteBuffer
  ) {
    for i in 0..<head.fields.count
    where edits.removes(buffer.readable.extracting(head.fields[i].name.range)) {
      head.dropField(at: i)
    }
  }

  /// The buffer for the client, taken out of the exchange, with room for a head.
  ///
  /// - Parameter space: room wanted beside that for our own fields and the route's.
  mutating func takeOutput(_ exchange: Handle, space: Int) -> ByteBuffer {
    buffers.equip(&exchanges[exchange].output)
    var output = exchanges[exchange].output.take()
    let needed = space + Self.ownFieldsSpace + editsSpace(exchange)
    if output.space < needed { Self.grow(&output, to: output.count + needed, &buffers) }
    return output
  }

  /// What goes into every response: whether the connection goes on, and what the route adds.
  func appendOwnFields(
    _ exchange: Handle, _ writer: inout HeadWriter, to output: inout ByteBuffer
  ) {
    if exchanges[exchange].status != 101 {
      if exchanges[exchange].endsConnection {
        writer.field("Connection", "close", to: &output)
      } else if exchanges[exchange].facts.version == .http10 {
        writer.field("Connection", "keep-alive", to: &output)
      }
    }
    guard exchanges[exchange].route.editsResponse else { return }
    writer.lines(route(of: exchange).responseEdits.lines.span, to: &output)
  }

  /// Bytes that the route's changes may add to a head.
  func editsSpace(_ exchange: Handle) -> Int {
    guard exchanges[exchange].route.editsRequest || exchanges[exchange].route.editsResponse else {
      return 0
    }
    let route = route(of: exchange)
    return route.requestEdits.lines.count + route.responseEdits.lines.count
  }
}
