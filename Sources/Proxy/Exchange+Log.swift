import HTTP
import Memory
import Network
import Reactor

// What a line of the log says of an exchange.

extension Exchange {
  /// Writes who asked for what and where it went, as members of JSON with a comma in front.
  // In line: otherwise the exchange would be copied for the call.
  @inline(__always) func describe(
    connectedBy address: IPAddress, _ generation: borrowing Generation, to text: inout ByteBuffer
  ) {
    let head = request.written
    text.append(",\"client\":\"")
    // Before the head was read nobody but the connection tells who it is.
    let client = headLength > 0 ? facts.address : address
    text.write { client.write(into: &$0) }
    text.append("\"")
    text.append(",\"method\":\"", head, facts.methodName, limit: 64)
    text.append(",\"target\":\"", head, facts.target)
    text.append(",\"host\":\"", head, facts.host, limit: 256)
    describeRoute(generation, to: &text)
    let id = RequestIDText(self)
    if !id.isEmpty {
      text.append(",\"request_id\":\"")
      id.write(from: head, to: &text)
      text.append("\"")
    }
    text.append(",\"user_agent\":\"", head, facts.userAgent, limit: 512)
  }

  @inline(__always) private func describeRoute(
    _ generation: borrowing Generation, to text: inout ByteBuffer
  ) {
    guard route.index >= 0 else { return }
    text.append(route.logged, of: generation.snapshot.logged)
    guard route.pool >= 0 else { return }
    text.append(decimal: UInt64(attempts))
    if retry.reason != .ok {
      text.append(",\"retried\":\"")
      text.append(retry.reason.text)
      text.append("\"")
    }
    guard server >= 0 else { return }
    text.append(
      generation.snapshot.pools[route.pool].servers[server].logged, of: generation.snapshot.logged)
  }

  /// How it ended.
  func end(at now: Instant) -> AccessEnd {
    AccessEnd(
      // nginx: 499 where the client went before it had an answer.
      status: status == 0 ? 499 : status, bytesIn: bytesIn, bytesOut: bytesOut,
      duration: now - start, queued: queued, connect: attempts > 0 ? connectTime : nil,
      firstByte: firstByte > 0 ? firstByte - start : nil, reason: reason)
  }
}
