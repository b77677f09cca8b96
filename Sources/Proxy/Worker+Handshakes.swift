import Memory
import Reactor

/// The handshakes of TLS that are under way: from the client's first byte on, for whoever says
/// nothing costs nothing. Each holds some 50 KiB until it ends, and takes up to half a millisecond
/// of signing.
struct Handshakes {
  /// Under way at once in one worker; others wait for their turn, for as long as two may take.
  static let limit = 256
  /// How long one has to itself, in ns. If others wait then, it has stalled, and gives way.
  static let patience: UInt64 = 1_000_000_000
  /// Steps taken in one turn of the loop: whoever has shaken hands waits for one signature at most,
  /// however many come. Another turn costs a hundredth of that.
  static let budget = 1

  var underWay = 0
  /// Those that have begun.
  var begun = Line(isBegun: true)
  /// Those that have not, and want to.
  var waiting = Line(isBegun: false)

  /// Clients in the order in which they came, and when. Some may have gone on meanwhile: they are
  /// passed over when their turn comes, and dropped when they may be as many as the others.
  struct Line {
    /// From so many on it is worth while to look for those.
    private static let least = 2 * Handshakes.limit

    let isBegun: Bool
    private var places: [(client: Handle, since: Instant)] = []
    private var front = 0
    private var room = Line.least

    init(isBegun: Bool) { self.isBegun = isBegun }

    var first: (client: Handle, since: Instant)? { front < places.count ? places[front] : nil }

    mutating func removeFirst() { front += 1 }

    mutating func append(
      _ client: Handle, at now: Instant, _ clients: borrowing Slab<ClientConnection>
    ) {
      if places.count >= room {
        places.removeFirst(front)
        front = 0
        var kept: [(client: Handle, since: Instant)] = []
        for place in places where has(place.client, clients) { kept.append(place) }
        places = kept
        room = max(2 * kept.count, Self.least)
      }
      places.append((client, now))
    }

    /// Whether a client stands here still.
    func has(_ client: Handle, _ clients: borrowing Slab<ClientConnection>) -> Bool {
      clients.contains(client) && clients[client].state == .handshake
        && clients[client].transport.isSecure == isBegun
    }
  }
}

extension Worker {
  enum HandshakeFailure { case refused, timeout }

  /// A client of a listener that speaks TLS.
  mutating func admitSecurely(_ client: Handle, _ listener: Int) {
    clients[client].state = .unheard
    // Until hands are shaken there is no exchange: the place of its handle says whose it is.
    clients[client].work = Handle(slot: UInt32(listener), generation: 0)
    setClientDeadline(client, after: snapshot.timeouts.handshake)
  }

  /// The client has said something, or has gone.
  mutating func hearFirst(_ client: Handle) {
    guard clients[client].transport.isReadable else { return }
    clients[client].state = .handshake
    guard handshakes.underWay >= Handshakes.limit else { return beginHandshake(client) }
    setClientDeadline(client, after: snapshot.timeouts.handshake &* 2)
    handshakes.waiting.append(client, at: clock.now, clients)
  }

  private mutating func beginHandshake(_ client: Handle) {
    let listener = Int(clients[client].work.slot)
    guard let identity = identities[listener],
      clients[client].transport.secure(by: identity, in: records)
    else { return closeClient(client) }
    handshakes.underWay += 1
    handshakes.begun.append(client, at: clock.now, clients)
    environment.counters.add(environment.tls.underWay)
    handshakesDue.append(client)
  }

  /// Goes on with as many handshakes as a turn has time for.
  mutating func shakeHands() {
    var budget = Handshakes.budget
    var done = 0
    while done < handshakesDue.count, budget > 0 {
      let client = handshakesDue[done]
      done += 1
      guard handshakes.begun.has(client, clients) else { continue }
      // One that finds nothing to read has cost nothing.
      if shakeHands(client) { budget -= 1 }
    }
    handshakesDue.removeFirst(done)
    endStalledHandshakes()
  }

  /// Where others wait, those that have had their time, and wait for their client, give way.
  @inline(__always) private mutating func endStalledHandshakes() {
    for _ in 0..<Self.pieceBudget {
      guard handshakes.waiting.first != nil, handshakes.underWay >= Handshakes.limit,
        let oldest = handshakes.begun.first
      else { return }
      guard handshakes.begun.has(oldest.client, clients) else {
        handshakes.begun.removeFirst()
        continue
      }
      // One that could go on has not been served yet: that is our delay.
      guard clock.now &- oldest.since >= Handshakes.patience, !canGoOn(oldest.client) else {
        return
      }
      handshakes.begun.removeFirst()
      failHandshake(oldest.client, .timeout)
    }
  }

  private func canGoOn(_ client: Handle) -> Bool {
    clients[client].transport.isReadable && clients[client].transport.isWritable
  }

  /// Takes one step; false when there was nothing to be done.
  private mutating func shakeHands(_ client: Handle) -> Bool {
    guard clients[client].transport.isReadable || clients[client].transport.isDone else {
      return false
    }
    switch clients[client].transport.shakeHands() {
    case .goesOn: break
    case .done:
      endHandshake()
      environment.counters.add(environment.tls.succeeded)
      clients[client].state = .idle
      clients[client].work = .none
      setClientDeadline(client, after: snapshot.timeouts.head)
      beginExchange(client)
    case .plainHTTP: refusePlain(client)
    case .failed: failHandshake(client, .refused)
    }
    return true
  }

  /// One is over, well or ill: another one may begin.
  private mutating func endHandshake() {
    handshakes.underWay -= 1
    environment.counters.subtract(environment.tls.underWay)
    while handshakes.underWay < Handshakes.limit, let next = handshakes.waiting.first {
      handshakes.waiting.removeFirst()
      guard handshakes.waiting.has(next.client, clients) else { continue }
      setClientDeadline(next.client, after: snapshot.timeouts.handshake)
      beginHandshake(next.client)
    }
  }

  mutating func failHandshake(_ client: Handle, _ failure: HandshakeFailure) {
    let hasBegun = clients[client].transport.isSecure
    environment.counters.add(
      failure == .timeout ? environment.tls.timedOut : environment.tls.failed)
    closeClient(client)
    if hasBegun { endHandshake() }
  }

  /// nginx: 497.
  private mutating func refusePlain(_ client: Handle) {
    endHandshake()
    environment.counters.add(environment.tls.plain)
    scratch.clear()
    scratch.append(
      """
      HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 56\r\n\
      Connection: close\r\n\r\nThis port speaks HTTPS: plain HTTP was sent to it here.\n
      """)
    _ = try? clients[client].transport.send(&scratch)
    beginLingering(client)
  }
}
