import HTTP
import Memory
import Network
import Reactor

// What a template says is asked of the exchange, and of the head in `requestHead` where it names
// fields: see `needHead`.

extension Worker {
  /// Appends what a template says to this request; false, and nothing, when that does not fit.
  ///
  /// - Precondition: `needHead` has been called for this exchange if the template needs the head.
  func write(
    _ template: TextTemplate, of exchange: Handle, to buffer: inout ByteBuffer
  ) -> Bool {
    let start = buffer.count
    for i in template.steps.indices
    where !write(template.steps[i], template.text, of: exchange, to: &buffer) {
      buffer.removeLast(buffer.count - start)
      return false
    }
    return true
  }

  private func write(
    _ step: TextTemplate.Step, _ text: [UInt8], of exchange: Handle,
    to buffer: inout ByteBuffer
  ) -> Bool {
    switch step {
    case .text(let start, let end):
      return append(text.span.extracting(start..<end), to: &buffer)
    case .host: return appendHostName(exchange, to: &buffer)
    case .scheme:
      let scheme = exchanges[exchange].facts.isSecure ? "https" : "http"
      return append(scheme.utf8.span, to: &buffer)
    case .clientAddress: return append(exchanges[exchange].facts.address, to: &buffer)
    case .peerAddress: return append(peer(of: exchange), to: &buffer)
    case .forwardedFor:
      guard appendForwardedFor(exchange, to: &buffer) else { return false }
      return append(exchanges[exchange].facts.address, to: &buffer)
    case .method: return append(exchanges[exchange].facts.methodName, of: exchange, to: &buffer)
    case .target: return append(exchanges[exchange].facts.target, of: exchange, to: &buffer)
    case .requestID:
      let id = RequestIDText(exchanges[exchange])
      guard buffer.space >= RequestID.lengthLimit else { return false }
      id.write(from: exchanges[exchange].request.written, to: &buffer)
      return true
    case .field(let name, let start, let end):
      guard headOwner == exchange else { return true }
      return appendField(
        name, text.span.extracting(start..<end), of: exchange, to: &buffer)
    case .named(let index): return appendVariable(index, of: exchange, to: &buffer)
    }
  }

  private func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) -> Bool {
    guard bytes.count <= buffer.space else { return false }
    buffer.append(bytes)
    return true
  }

  private func append(_ slice: Slice, of exchange: Handle, to buffer: inout ByteBuffer) -> Bool {
    append(exchanges[exchange].request.written.extracting(slice.range), to: &buffer)
  }

  private func append(_ address: IPAddress, to buffer: inout ByteBuffer) -> Bool {
    guard buffer.space >= Self.longestAddress else { return false }
    buffer.write { address.write(into: &$0) }
    return true
  }

  private static let longestAddress = 64

  func peer(of exchange: Handle) -> IPAddress {
    clients[exchanges[exchange].client].address.address
  }

  /// The host that is asked for, in lower case, without port and final dot.
  func appendHostName(_ exchange: Handle, to buffer: inout ByteBuffer) -> Bool {
    let name = exchanges[exchange].request.written.extracting(
      exchanges[exchange].facts.hostName.range)
    guard name.count <= buffer.space else { return false }
    for i in name.indices {
      let isUpper = name[i] >= UInt8(ascii: "A") && name[i] <= UInt8(ascii: "Z")
      buffer.append(isUpper ? name[i] | 0x20 : name[i])
    }
    return true
  }

  /// Appends every X-Forwarded-For, each with a comma behind it.
  func appendForwardedFor(_ exchange: Handle, to buffer: inout ByteBuffer) -> Bool {
    guard headOwner == exchange else { return true }
    let bytes = exchanges[exchange].request.written
    for i in 0..<requestHead.fields.count where requestHead.fields[i].id == .xForwardedFor {
      let value = requestHead.fields[i].value
      guard !requestHead.fields[i].isDropped, !value.isEmpty else { continue }
      guard append(bytes.extracting(value.range), to: &buffer), append(", ".utf8.span, to: &buffer)
      else { return false }
    }
    return true
  }

  private func appendField(
    _ name: FieldName, _ text: Span<UInt8>, of exchange: Handle, to buffer: inout ByteBuffer
  ) -> Bool {
    if name != .other, !requestHead.fields.contains(name) { return true }
    let bytes = exchanges[exchange].request.written
    for i in 0..<requestHead.fields.count {
      let field = requestHead.fields[i]
      guard field.id == name, !field.isDropped,
        name != .other || CaselessText.isSame(text, bytes.extracting(field.name.range))
      else { continue }
      return append(field.value, of: exchange, to: &buffer)
    }
    return true
  }

  /// nginx: `map`. The subject is written where the value will stand, compared and taken back.
  private func appendVariable(
    _ index: Int, of exchange: Handle, to buffer: inout ByteBuffer
  ) -> Bool {
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let variable = snapshot.variables.variables[index]
    guard let subject = variable.subject else {
      return write(variable.standard, of: exchange, to: &buffer)
    }
    let start = buffer.count
    guard write(subject, of: exchange, to: &buffer) else { return false }
    let value = variable.value(for: buffer, from: start)
    buffer.removeLast(buffer.count - start)
    return write(value, of: exchange, to: &buffer)
  }

  /// Writes the fields of a route, or of the whole configuration, that differ from head to head.
  ///
  /// - Parameter status: of the response; 0 for a request.
  func appendEdited(
    _ edits: HeadEdits, status: UInt16, of exchange: Handle, _ writer: inout HeadWriter,
    to buffer: inout ByteBuffer
  ) {
    for i in edits.edited.indices where edits.edited[i].applies(to: status) {
      let start = buffer.count
      let beginning = edits.edited[i].beginning
      writer.lines(beginning.span, to: &buffer)
      let before = buffer.count
      let fits = write(edits.edited[i].value, of: exchange, to: &buffer)
      guard fits, buffer.count > before else {  // nothing to say: no field, as with nginx
        buffer.removeLast(before - start)
        continue
      }
      writer.lines("\r\n".utf8.span, to: &buffer)
    }
  }

  /// Makes `requestHead` this exchange's again, if it is not; nothing for one whose head could
  /// not be read.
  mutating func needHead(_ exchange: Handle) {
    guard headOwner != exchange, exchanges[exchange].headLength > 0 else { return }
    parseHeadAgain(exchange)
  }
}
