import Memory
import Reactor

/// The handshakes of TLS that are under way. Each holds some 50 KiB until it ends, and takes up to
/// half a millisecond of signing.
struct Handshakes {
  /// Under way at once in one worker; others wait for their turn, for as long as two may take.
  static let limit = 256
  /// Steps taken in one turn of the loop: whoever has shaken hands waits for one signature at most,
  /// however many come. Another turn costs a hundredth of that.
  static let budget = 1

  var underWay = 0
  /// Those that have not begun, the oldest first; some may have gone meanwhile.
  private var waiting: [Handle] = []
  private var first = 0

  mutating func wait(_ client: Handle) { waiting.append(client) }

  mutating func next() -> Handle? {
    guard first < waiting.count else { return nil }
    defer {
      first += 1
      if first == waiting.count {
        waiting.removeAll(keepingCapacity: true)
        first = 0
      }
    }
    return waiting[first]
  }
}

extension Worker {
  enum HandshakeFailure { case refused, timeout }

  /// A client of a listener that speaks TLS.
  mutating func admitSecurely(_ client: Handle, _ listener: Int) {
    clients[client].state = .handshake
    // Until hands are shaken there is no exchange: the place of its handle says whose it is.
    clients[client].work = Handle(slot: UInt32(listener), generation: 0)
    guard handshakes.underWay >= Handshakes.limit else { return beginHandshake(client) }
    setClientDeadline(client, after: snapshot.timeouts.handshake &* 2)
    handshakes.wait(client)
  }

  private mutating func beginHandshake(_ client: Handle) {
    let listener = Int(clients[client].work.slot)
    guard let identity = identities[listener], clients[client].transport.secure(by: identity)
    else { return closeClient(client) }
    handshakes.underWay += 1
    environment.counters.add(environment.tls.underWay)
    setClientDeadline(client, after: snapshot.timeouts.handshake)
    handshakesDue.append(client)
  }

  /// Goes on with as many handshakes as a turn has time for.
  mutating func shakeHands() {
    var budget = Handshakes.budget
    var done = 0
    while done < handshakesDue.count, budget > 0 {
      let client = handshakesDue[done]
      done += 1
      guard clients.contains(client), clients[client].state == .handshake,
        clients[client].transport.isSecure
      else { continue }
      // One that finds nothing to read has cost nothing.
      if shakeHands(client) { budget -= 1 }
    }
    handshakesDue.removeFirst(done)
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
      if isDraining, clients.contains(client), clients[client].state == .idle {
        beginLingering(client)
      }
    case .plainHTTP: refusePlain(client)
    case .failed: failHandshake(client, .refused)
    }
    return true
  }

  /// One is over, well or ill: another one may begin.
  private mutating func endHandshake() {
    handshakes.underWay -= 1
    environment.counters.subtract(environment.tls.underWay)
    while handshakes.underWay < Handshakes.limit, let next = handshakes.next() {
      if clients.contains(next), clients[next].state == .handshake { beginHandshake(next) }
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
