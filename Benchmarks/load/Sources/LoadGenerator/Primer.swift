private import HTTP
private import Memory
public import Network
private import Reactor

/// A server that does not do what the load takes for granted.
public struct PrimingError: Error, CustomStringConvertible {
  public let description: String
}

/// Asks for everything once before the load: whether each answer is as the mix says, and what
/// clients need to ask again whether it has changed.
public enum Primer {
  /// The mix, with validators where it revalidates.
  public static func prime(_ mix: Mix, server: SocketAddress) throws(PrimingError) -> Mix {
    var primed = mix
    for k in mix.kinds.indices {
      let kind = mix.kinds[k]
      for (r, request) in kind.requests.enumerated() {
        let first = try ask(request, of: server)
        try check(first.answer.status == 200, request, "answered with \(first.answer.status)")
        try check(first.answer.isCompressed || !kind.isCompressed, request, "not compressed")
        guard kind.revalidates else { continue }
        let again = request.revalidating(first.validators)
        let status = try ask(again, of: server).answer.status
        try check(status == 304, request, "unchanged, and answered with \(status)")
        primed.kinds[k].requests[r] = again
      }
    }
    return primed
  }

  private static func check(
    _ isRight: Bool, _ request: Request, _ fault: String
  ) throws(PrimingError) {
    if !isRight { throw PrimingError(description: "\(request.target): \(fault)") }
  }

  /// One request over a connection of its own.
  private static func ask(
    _ request: Request, of server: SocketAddress
  ) throws(PrimingError) -> (answer: Answer, validators: [(String, String)]) {
    do {
      let socket = try Sockets.connected(to: server, timeout: 5000)
      try Syscalls.sendAll(request.bytes.span, to: socket)
      var buffer = ByteBuffer(capacity: 64 << 10)
      var head = ResponseHead()
      var reader = AnswerReader()
      var validators: [(String, String)]?
      while case .bytes = try Syscalls.receive(from: socket, into: &buffer) {
        if validators == nil {
          guard
            try head.parse(buffer.readable, limits: HeadLimits(), requestMethod: request.method)
          else { continue }
          validators =
            field(.etag, of: head, buffer.readable, as: "If-None-Match")
            + field(.lastModified, of: head, buffer.readable, as: "If-Modified-Since")
        }
        if let answer = try reader.read(&buffer, method: request.method, head: &head) {
          return (answer, validators ?? [])
        }
        if buffer.isEmpty { buffer.clear() } else { buffer.compact() }
      }
    } catch {
      throw PrimingError(description: "\(request.target): \(error)")
    }
    throw PrimingError(description: "\(request.target): no answer, or half of one")
  }

  /// What a client that has an answer sends to ask whether it is still right (RFC 9110 §13.1).
  private static func field(
    _ name: FieldName, of head: borrowing ResponseHead, _ bytes: Span<UInt8>, as condition: String
  ) -> [(String, String)] {
    guard let field = head.fields.first(name) else { return [] }
    var value: [UInt8] = []
    for i in field.value.range { value.append(bytes[i]) }
    return [(condition, String(decoding: value, as: UTF8.self))]
  }
}
