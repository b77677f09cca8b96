import Balancing
import Memory
import Reactor

extension Worker {
  /// Counts a request by the limits of the route that it begins to follow; false when it is too
  /// much for one of them, and has been told so.
  ///
  /// A request is counted once: by the first route on its way that has limits.
  mutating func isWithinLimits(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].limits.isEmpty else { return true }
    let (held, refusedFor) = admitByLimits(exchange)
    guard let refusedFor else {
      exchanges[exchange].limits = held
      return true
    }
    environment.counters.add(exchanges[exchange].route.counters.limited)
    fields.clear()
    fields.append("Retry-After: ")
    // Rounded up, for who comes a moment too early is refused again.
    fields.append(decimal: max((refusedFor + 999_999_999) / 1_000_000_000, 1))
    fields.append("\r\n")
    refuse(
      exchange, status: 429, reason: .rateLimit, endsConnection: false, withFields: true)
    return false
  }

  private func admitByLimits(_ exchange: Handle) -> (held: HeldLimits, refusedFor: UInt64?) {
    let snapshot = generations[exchanges[exchange].generation].snapshot
    guard let limits = snapshot.routes[exchanges[exchange].route.index].limits else {
      preconditionFailure("the route's facts say so")
    }
    var request = LimitedRequest()
    if limits.asksForFields {
      let bytes = exchanges[exchange].request.written
      for i in 0..<requestHead.fields.count {
        let field = requestHead.fields[i]
        limits.observe(
          name: bytes.extracting(field.name.range), value: bytes.extracting(field.value.range),
          by: &request)
      }
    }
    limits.observe(exchanges[exchange].facts.address, by: &request)
    return limits.admit(request, by: environment.limiter, now: clock.now)
  }
}
