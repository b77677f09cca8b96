import CLibraries
import Configuration
import Memory
import Reactor
import Testing

@testable import Proxy

/// A client that speaks TLS.
private final class SecurePeer {
  private var transport: Transport

  init(of bench: TestBench, _ context: TLSContext) throws {
    transport = Transport(try Sockets.connecting(to: bench.address), isWritable: true)
    guard transport.secure(by: context, as: TLSPeer("site.test"), resuming: nil) else {
      throw SystemError(call: "secure", errno: 12)
    }
  }

  /// Whether bytes of the server wait.
  var hasHeard: Bool { !Syscalls.isSilent(transport.socket) }

  /// Goes as far as it can with what has come; true when hands are shaken.
  func shakeHands() -> Bool {
    transport.isReadable = true
    if case .done = transport.shakeHands() { return true }
    return false
  }

  func get() throws {
    var request = ByteBuffer(capacity: 64)
    request.append(text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try transport.send(&request)
  }

  /// Reads what there is, and tells whether it begins an answer.
  func isAnswered() -> Bool {
    transport.isReadable = true
    var buffer = ByteBuffer(capacity: 4096)
    while case .bytes = transport.receive(into: &buffer) {
      if text(buffer.readable).contains("HTTP/1.1 2") { return true }
    }
    return false
  }
}

/// Signing takes half a millisecond: whoever has shaken hands waits for one signature at most in
/// each turn, however many clients come at once.
@Test func `a turn takes one step of one handshake, and serves those that stand`() throws {
  let made = try SelfSigned(hosts: ["site.test"], days: 1)
  let own = try TLSIdentity(certificate: made.certificate, key: made.key)
  let context = try TLSContext(trusting: made.certificate)
  var configuration = Configuration()
  configuration.routes = [RouteSettings(name: "all", action: .respond(RespondSettings()))]
  let bench = try TestBench(
    configuration, identity: try TLSContext(identities: [own], tickets: TicketKeys()))

  let standing = try SecurePeer(of: bench, context)
  let isIn = try bench.turns { standing.shakeHands() }
  #expect(isIn)
  // Its last step is behind the worker, too, once it is answered.
  try standing.get()
  let isServed = try bench.turns { standing.isAnswered() }
  #expect(isServed)

  let storm = try (0..<30).map { _ in try SecurePeer(of: bench, context) }
  let areIn = try bench.turns { bench.count(2) == 31 }
  #expect(areIn)
  try standing.get()
  for client in storm { _ = client.shakeHands() }
  var heard = 0
  var most = 0
  var answeredAt = storm.count
  let areAllHeard = try bench.turns {
    let now = storm.count { $0.hasHeard }
    most = max(most, now - heard)
    heard = now
    if answeredAt == storm.count, standing.isAnswered() { answeredAt = heard }
    return heard == storm.count
  }
  #expect(areAllHeard)
  #expect(most == 1)
  #expect(answeredAt < storm.count)
  // And all of them come to their end.
  let areDone = try bench.turns { storm.allSatisfy { $0.shakeHands() } }
  #expect(areDone)
}
