import Memory
import Reactor

extension Worker {
  /// Counts an exchange that is over, and writes its line.
  mutating func record(_ exchange: Handle) {
    count(exchange)
    guard log.isOn else { return }
    var line = log.begin(clock, environment)
    describe(exchange, to: &line)
    log.end(line, exchanges[exchange].end(at: clock.now))
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

  /// What a tunnel keeps for its line, which is written when it ends.
  mutating func makeRecord(_ exchange: Handle) -> AccessRecord {
    var record = AccessRecord(
      start: exchanges[exchange].start, connect: exchanges[exchange].connectTime,
      firstByte: exchanges[exchange].firstByte - exchanges[exchange].start,
      route: Int32(exchanges[exchange].route.index), pool: Int32(exchanges[exchange].route.pool),
      server: Int32(exchanges[exchange].server))
    guard log.isOn else { return record }
    var text = ByteBuffer(capacity: AccessLog.lineLimit)
    describe(exchange, to: &text)
    record.text.reserveCapacity(text.count)
    for i in 0..<text.count { record.text.append(text.readable[i]) }
    return record
  }

  mutating func finishRecord(_ tunnel: borrowing Tunnel, reason: Termination) {
    let record = tunnel.record
    let slots = generations[tunnel.generation].snapshot.routes[Int(record.route)].facts.counters
    environment.counters.add(slots.responses)
    environment.counters.add(slots.bytesIn, tunnel.bytesIn)
    environment.counters.add(slots.bytesOut, tunnel.bytesOut)
    guard log.isOn else { return }
    var line = log.begin(clock, environment)
    line.append(record.text.span)
    log.end(
      line,
      AccessEnd(
        status: 101, bytesIn: tunnel.bytesIn, bytesOut: tunnel.bytesOut,
        duration: clock.now - record.start, connect: record.connect,
        firstByte: record.firstByte, reason: reason))
  }

  private func describe(_ exchange: Handle, to text: inout ByteBuffer) {
    exchanges[exchange].describe(
      connectedBy: clients[exchanges[exchange].client].address.address,
      generations[exchanges[exchange].generation], to: &text)
  }
}
