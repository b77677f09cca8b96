import HTTP
import Memory
import Network
import Reactor

extension Worker {
  /// Counts an exchange that is over, and writes its line.
  mutating func record(_ exchange: Handle) {
    count(exchange)
    guard log.isOn else { return }
    var text = ByteBuffer()
    swap(&text, &recordText)
    text.clear()
    describe(exchange, to: &text)
    log.add(text.readable, end(of: exchange), clock: clock, environment)
    recordText = text
  }

  private mutating func count(_ exchange: Handle) {
    let status = exchanges[exchange].status
    guard exchanges[exchange].route.index >= 0 else { return }
    let slots = exchanges[exchange].route.counters
    let counters = environment.counters
    if status >= 100, status < 600 { counters.add(slots.responses + Int(status / 100) - 1) }
    counters.observe(slots.duration, nanoseconds: clock.now - exchanges[exchange].start)
    counters.add(slots.bytesIn, exchanges[exchange].bytesIn)
    counters.add(slots.bytesOut, exchanges[exchange].bytesOut)
  }

  private func end(of exchange: Handle) -> AccessEnd {
    let start = exchanges[exchange].start
    let hasServer = exchanges[exchange].attempts > 0
    let firstByte = exchanges[exchange].firstByte
    return AccessEnd(
      status: loggedStatus(exchange), bytesIn: exchanges[exchange].bytesIn,
      bytesOut: exchanges[exchange].bytesOut, duration: clock.now - start,
      queued: exchanges[exchange].queued,
      connect: hasServer ? exchanges[exchange].connectTime : nil,
      firstByte: firstByte > 0 ? firstByte - start : nil, reason: exchanges[exchange].reason)
  }

  /// nginx: 499 where the client went before it had an answer.
  private func loggedStatus(_ exchange: Handle) -> UInt16 {
    exchanges[exchange].status == 0 ? 499 : exchanges[exchange].status
  }

  /// What a tunnel keeps for its line, which is written when it ends.
  mutating func makeRecord(_ exchange: Handle) -> AccessRecord {
    var record = AccessRecord(
      start: exchanges[exchange].start, connect: exchanges[exchange].connectTime,
      firstByte: exchanges[exchange].firstByte - exchanges[exchange].start,
      route: Int32(exchanges[exchange].route.index), pool: Int32(exchanges[exchange].route.pool),
      server: Int32(exchanges[exchange].server))
    guard log.isOn else { return record }
    var text = ByteBuffer()
    swap(&text, &recordText)
    text.clear()
    describe(exchange, to: &text)
    record.text.reserveCapacity(text.count)
    for i in 0..<text.count { record.text.append(text.readable[i]) }
    recordText = text
    return record
  }

  mutating func finishRecord(_ tunnel: borrowing Tunnel, reason: Termination) {
    let record = tunnel.record
    let slots = generations[tunnel.generation].snapshot.routes[Int(record.route)].facts.counters
    environment.counters.add(slots.responses)
    environment.counters.add(slots.bytesIn, tunnel.bytesIn)
    environment.counters.add(slots.bytesOut, tunnel.bytesOut)
    log.add(
      record.text.span,
      AccessEnd(
        status: 101, bytesIn: tunnel.bytesIn, bytesOut: tunnel.bytesOut,
        duration: clock.now - record.start, connect: record.connect,
        firstByte: record.firstByte, reason: reason),
      clock: clock, environment)
  }

  private mutating func describe(_ exchange: Handle, to text: inout ByteBuffer) {
    let facts = exchanges[exchange].facts
    let head = exchanges[exchange].request.written
    text.append(",\"client\":\"")
    // Before the head was read nobody but the connection tells who it is.
    let isRead = exchanges[exchange].headLength > 0
    let address =
      isRead ? facts.address : clients[exchanges[exchange].client].address.address
    text.write { address.write(into: &$0) }
    text.append("\"")
    AccessRecord.append(
      ",\"method\":\"", head.extracting(facts.methodName.range), limit: 64, to: &text)
    AccessRecord.append(",\"target\":\"", head.extracting(facts.target.range), to: &text)
    AccessRecord.append(
      ",\"host\":\"", head.extracting(facts.host.range), limit: 256, to: &text)
    describeRoute(exchange, to: &text)
    let id = RequestIDText(exchanges[exchange])
    if !id.isEmpty {
      text.append(",\"request_id\":\"")
      id.write(from: head, to: &text)
      text.append("\"")
    }
    AccessRecord.append(
      ",\"user_agent\":\"", head.extracting(facts.userAgent.range), limit: 512, reserve: 1 << 10,
      to: &text)
  }

  private func describeRoute(_ exchange: Handle, to text: inout ByteBuffer) {
    let route = exchanges[exchange].route
    guard route.index >= 0 else { return }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    text.append(",\"route\":\"")
    let name = snapshot.routes[route.index].nameAsJSON
    text.append(name.span)
    text.append("\"")
    guard route.pool >= 0 else { return }
    text.append(",\"pool\":\"")
    let pool = snapshot.pools[route.pool]
    text.append(pool.nameAsJSON.span)
    text.append("\",\"attempts\":")
    text.append(decimal: UInt64(exchanges[exchange].attempts))
    if exchanges[exchange].retry.reason != .ok {
      text.append(",\"retried\":\"")
      text.append(exchanges[exchange].retry.reason.text)
      text.append("\"")
    }
    let server = exchanges[exchange].server
    guard server >= 0 else { return }
    text.append(",\"server\":\"")
    let serverName = pool.serverNamesAsJSON[server]
    text.append(serverName.span)
    text.append("\"")
  }
}
