import HTTP
import Memory
import Network
import Reactor

// What a head is written into is taken out of its exchange meanwhile, so that the rest of the
// exchange can be read.

extension Worker {
  /// What each request says in our words.
  static let fieldsWrittenAnew: FieldNameSet = [.host, .contentLength]
  /// Room for all that we add to a head of our own accord.
  static let ownFieldsSpace = 1024

  // MARK: To the server

  /// Writes the request's head anew for the server: the client's own framing and hop-by-hop
  /// fields stay here, who asks and how is said by policy.
  @inline(__always) mutating func writeRequestHead(_ exchange: Handle) {
    needHead(exchange)
    let edits = requestEdits(of: exchange)
    if let edits, edits.dropsByName { dropEditedFields(edits, exchange) }
    let headLength = exchanges[exchange].headLength
    let certificate = clients[exchanges[exchange].client].transport.clientCertificate
    let needed =
      headLength + Self.ownFieldsSpace + (certificate?.utf8.count ?? 0)
      + (edits?.space(headLength: headLength) ?? 0)
      + (hostTemplate(of: exchange)?.limit(headLength: headLength) ?? 0)
      + exchanges[exchange].accel.target.count
    var input = exchanges[exchange].input.take()
    input.clear()
    if input.space < needed { Self.grow(&input, to: needed, &buffers) }
    var writer = HeadWriter()
    appendRequestHead(exchange, edits, certificate, &writer, to: &input)
    let fits = writer.end(&input)
    precondition(fits, "room was made above")
    exchanges[exchange].input = input
  }

  @inline(__always) private func appendRequestHead(
    _ exchange: Handle, _ edits: HeadEdits?, _ certificate: String?, _ writer: inout HeadWriter,
    to input: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].request.written
    let forwarded = generations[exchanges[exchange].generation].snapshot.forwarded
    let isTrusted = exchanges[exchange].facts.isTrusted
    // What the route says of a field goes before the policy for all routes.
    let edited = edits?.dropped ?? FieldNameSet()
    let setsFor = forwarded.addresses != .off && !edited.contains(.xForwardedFor)
    // What a trusted proxy has said of the client stands.
    let setsProto =
      forwarded.setsProto && !edited.contains(.xForwardedProto)
      && !(isTrusted && requestHead.fields.contains(.xForwardedProto))
    let setsHost =
      forwarded.setsHost && !edited.contains(.xForwardedHost)
      && !(isTrusted && requestHead.fields.contains(.xForwardedHost))
    let setsID = !exchanges[exchange].keepsRequestID && !edited.contains(.xRequestID)
    var except = Self.fieldsWrittenAnew
    if !exchanges[exchange].relaysExpect { except.insert(.expect) }
    if setsFor { except.insert(.xForwardedFor) }
    if setsProto { except.insert(.xForwardedProto) }
    if setsHost { except.insert(.xForwardedHost) }
    if !exchanges[exchange].keepsRequestID { except.insert(.xRequestID) }
    // What opens a session must be readable here.
    if exchanges[exchange].session.role == .opener { except.insert(.acceptEncoding) }
    if certificate != nil || !forwarded.keepsClientCertificate || !isTrusted
      || asksForCertificates(exchange)
    {
      except.insert(.xForwardedClientCert)
    }
    except.formUnion(edited)

    appendRequestLine(exchange, &writer, to: &input)
    appendHost(exchange, &writer, to: &input)
    writer.copyFields(requestHead.fields, from: bytes, except: except, to: &input)
    if setsFor {
      appendForwardedFor(exchange, isReplaced: forwarded.addresses == .replace, to: &input)
    }
    if setsProto {
      let isSecure = clients[exchanges[exchange].client].speaksTLS
      writer.field("X-Forwarded-Proto", isSecure ? "https" : "http", to: &input)
    }
    if let certificate, !edited.contains(.xForwardedClientCert) {
      writer.field("X-Forwarded-Client-Cert", certificate.utf8.span, to: &input)
    }
    if setsHost, !exchanges[exchange].facts.host.isEmpty {
      writer.field(
        "X-Forwarded-Host", bytes.extracting(exchanges[exchange].facts.host.range), to: &input)
    }
    let id = RequestIDText(exchanges[exchange])
    if setsID, !id.isEmpty {
      input.append("X-Request-Id: ")
      id.write(from: bytes, to: &input)
      input.append("\r\n")
    }
    if let via = forwarded.via { writer.field("Via", "1.1 \(via)".utf8.span, to: &input) }
    appendRequestFraming(exchange, &writer, to: &input)
    guard let edits else { return }
    let lines = edits.lines
    writer.lines(lines.span, to: &input)
    appendEdited(edits, status: 0, of: exchange, &writer, to: &input)
  }

  /// Whether the client is asked for a certificate: then nobody else says who it is.
  private func asksForCertificates(_ exchange: Handle) -> Bool {
    let place = Int(clients[exchanges[exchange].client].place)
    let snapshot = generations[exchanges[exchange].generation].snapshot
    return snapshot.listeners[place].asksForCertificates
  }

  /// The client's own, or what a server's X-Accel-Redirect has made of it.
  @inline(__always) private func appendRequestLine(
    _ exchange: Handle, _ writer: inout HeadWriter, to input: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].request.written
    guard exchanges[exchange].accel.isActive else {
      return writer.requestLine(requestHead, from: bytes, to: &input)
    }
    let method = exchanges[exchange].facts.method == .head ? "HEAD" : "GET"
    let target = exchanges[exchange].accel.target.readable
    if target.isEmpty {
      writer.requestLine(requestHead, by: method.utf8.span, from: bytes, to: &input)
    } else {
      writer.requestLine(method: method.utf8.span, target: target, to: &input)
    }
  }

  /// What the route changes of requests; nil for nothing.
  @inline(__always) private func requestEdits(of exchange: Handle) -> HeadEdits? {
    guard exchanges[exchange].route.editsRequest else { return nil }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    return snapshot.routes[exchanges[exchange].route.index].requestEdits
  }

  /// What the route, or for a request without one the configuration, changes of responses; nil
  /// for nothing.
  func responseEdits(of exchange: Handle) -> HeadEdits? {
    guard exchanges[exchange].route.editsResponse else { return nil }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let route = exchanges[exchange].route.index
    return route < 0 ? snapshot.commonResponseEdits : snapshot.routes[route].responseEdits
  }

  /// What the pool makes the Host of; nil where that is the client's own or the server's.
  private func hostTemplate(of exchange: Handle) -> TextTemplate? {
    guard exchanges[exchange].pool.makesHost else { return nil }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    return snapshot.pools[exchanges[exchange].route.pool].hostTemplate
  }

  /// Drops the fields that the route removes or sets anew.
  private mutating func dropEditedFields(_ edits: HeadEdits, _ exchange: Handle) {
    Self.drop(edits, from: &requestHead, of: &exchanges[exchange].request)
  }

  private static func drop(
    _ edits: HeadEdits, from head: inout RequestHead, of buffer: inout ByteBuffer
  ) {
    for i in 0..<head.fields.count
    where edits.drops(buffer.written.extracting(head.fields[i].name.range), status: 0) {
      head.dropField(at: i)
    }
  }

  @inline(__always) private func appendHost(
    _ exchange: Handle, _ writer: inout HeadWriter, to input: inout ByteBuffer
  ) {
    let host = exchanges[exchange].facts.host
    // An HTTP/1.0 client need not have named one.
    if exchanges[exchange].pool.preservesHost, !host.isEmpty {
      writer.field(
        "Host", exchanges[exchange].request.written.extracting(host.range), to: &input)
      return
    }
    if let template = hostTemplate(of: exchange) {
      input.append("Host: ")
      let before = input.count
      if write(template, of: exchange, to: &input), input.count > before {
        return writer.lines("\r\n".utf8.span, to: &input)
      }
      input.removeLast(input.count - before + "Host: ".utf8.count)
    }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let pool = exchanges[exchange].route.pool
    writer.field(
      "Host", snapshot.pools[pool].hosts[exchanges[exchange].server].utf8.span, to: &input)
  }

  /// nginx: `$proxy_add_x_forwarded_for`, where a trusted proxy sent the list; or, replaced,
  /// `$remote_addr` as trusted proxies tell.
  private func appendForwardedFor(
    _ exchange: Handle, isReplaced: Bool, to input: inout ByteBuffer
  ) {
    input.append("X-Forwarded-For: ")
    if !isReplaced, exchanges[exchange].facts.isTrusted {
      _ = appendForwardedFor(exchange, to: &input)
    }
    let address = isReplaced ? exchanges[exchange].facts.address : peer(of: exchange)
    input.write { address.write(into: &$0) }
    input.append("\r\n")
  }

  @inline(__always) private func appendRequestFraming(
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

  /// What a server says to us, and to no client. nginx: `ngx_http_proxy_hide_headers`.
  static let fieldsForUs: FieldNameSet = [
    .xAccelBuffering, .xAccelExpires, .xAccelLimitRate, .xAccelCharset, .xAccelRedirect,
  ]

  /// Writes the response's head anew for the client.
  mutating func writeResponseHead(_ exchange: Handle) -> Bool {
    let edits = responseEdits(of: exchange)
    if let edits, edits.dropsByName {
      Self.drop(
        edits, from: &responseHead, of: &exchanges[exchange].input,
        status: exchanges[exchange].status)
    }
    var output = takeOutput(exchange, space: responseHead.length)
    var writer = HeadWriter()
    appendResponseHead(exchange, edits, &writer, to: &output)
    let fits = writer.end(&output)
    exchanges[exchange].output = output
    return fits
  }

  @inline(__always) private func appendResponseHead(
    _ exchange: Handle, _ edits: HeadEdits?, _ writer: inout HeadWriter,
    to output: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].input.readable
    writer.statusLine(
      responseHead.status, reason: bytes.extracting(responseHead.reason.range), to: &output)
    if exchanges[exchange].status == 101 {
      writer.field("Connection", "upgrade", to: &output)
      writer.field("Upgrade", "websocket", to: &output)
    }
    appendSurvivors(exchange, edits, &writer, to: &output)
    let isCompressed = exchanges[exchange].gzip == .compressed
    var except = Self.fieldsForUs
    except.insert(.contentLength)
    if let edits { except.formUnion(edits.dropped) }
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
    if exchanges[exchange].gzip != .untouched {
      appendGzipFields(exchange, dropped: edits?.dropped ?? FieldNameSet(), &writer, to: &output)
    }
    appendKeptType(exchange, edits, &writer, to: &output)
    if exchanges[exchange].pool.issuesCookie { appendAffinityCookie(exchange, to: &output) }
    appendOwnFields(exchange, &writer, to: &output)
  }

  private static func drop(
    _ edits: HeadEdits, from head: inout ResponseHead, of buffer: inout ByteBuffer,
    status: UInt16
  ) {
    for i in 0..<head.fields.count
    where edits.drops(buffer.readable.extracting(head.fields[i].name.range), status: status) {
      head.dropField(at: i)
    }
  }

  /// The buffer for the client, taken out of the exchange, with room for a head.
  ///
  /// - Parameter space: room wanted beside that for our own fields and the route's.
  mutating func takeOutput(_ exchange: Handle, space: Int) -> ByteBuffer {
    buffers.equip(&exchanges[exchange].output)
    var output = exchanges[exchange].output.take()
    var needed = space + Self.ownFieldsSpace + exchanges[exchange].accel.text.count
    if let edits = responseEdits(of: exchange) {
      // Of a head that could not be read no more than its first line is repeated.
      let repeated = max(
        exchanges[exchange].headLength, Int(exchanges[exchange].facts.target.count))
      needed += edits.space(headLength: repeated)
      if edits.needsHead { needHead(exchange) }
    }
    if output.space < needed { Self.grow(&output, to: output.count + needed, &buffers) }
    return output
  }

  /// Appends lines that are not of the server's head; the route's edits hold for them as well.
  func appendLines(
    _ lines: Span<UInt8>, _ exchange: Handle, _ edits: HeadEdits?, _ writer: inout HeadWriter,
    to output: inout ByteBuffer
  ) {
    guard let edits else { return writer.lines(lines, to: &output) }
    edits.appendRest(of: lines, status: exchanges[exchange].status, &writer, to: &output)
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
    guard let edits = responseEdits(of: exchange) else { return }
    let lines = edits.lines
    writer.lines(lines.span, to: &output)
    appendEdited(edits, status: exchanges[exchange].status, of: exchange, &writer, to: &output)
  }
}
