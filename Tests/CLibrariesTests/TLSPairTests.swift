import COpenSSL
import Glibc
import Memory
import Testing

@testable import CLibraries

/// A client and a server that have shaken hands, over sockets that do not block.
private struct Connection: ~Copyable {
  let client: TLSSession
  var server: TLSSession
  let sockets: [Int32]

  /// - Parameters:
  ///   - fragment: the length of records that the client asks for, as libssl numbers them.
  ///   - latest: the newest version that the client speaks; 0 for any.
  init(ticket: TLSTicket? = nil, fragment: UInt8 = 0, latest: Int32 = 0, _ ends: Ends) {
    var numbers: [Int32] = [0, 0]
    let type: Int32 = 1 | 0o4000  // SOCK_STREAM | SOCK_NONBLOCK
    _ = unsafe socketpair(AF_UNIX, type, 0, &numbers)
    sockets = numbers
    server = .accepting(numbers[0], ends.server)
    client = .connecting(
      numbers[1], ends.client, to: "site.test", isAddress: false, ticket: ticket)
    if fragment > 0 {
      _ = unsafe SSL_set_tlsext_max_fragment_length(client.ssl, fragment)
    }
    _ = unsafe SSL_ctrl(client.ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(latest), nil)
    for _ in 0..<10 {
      _ = client.shakeHands()
      _ = server.shakeHands()
    }
  }

  deinit { for socket in sockets { close(socket) } }
}

/// What both ends of connections are made with.
private struct Ends {
  let server: TLSContext
  let client: TLSContext

  init(server: TLSContext, client: TLSContext) {
    self.server = server
    self.client = client
  }

  init() throws {
    let made = try SelfSigned(hosts: ["site.test"], days: 1)
    let identity = try TLSIdentity(certificate: made.certificate, key: made.key)
    server = try TLSContext(identities: [identity], tickets: TicketKeys())
    client = try TLSContext(trusting: made.certificate, verifies: true)
  }
}

extension TLSSession {
  fileprivate func send(_ bytes: [UInt8]) -> Int? {
    unsafe bytes.withUnsafeBytes { unsafe write($0) }
  }

  /// Reads until there is no more; and what the last step came to.
  fileprivate func readAll() -> (bytes: [UInt8], step: Step) {
    var all: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 5000)
    while true {
      let (count, step) = unsafe room.withUnsafeMutableBytes { unsafe read($0) }
      all += room.prefix(count)
      guard case .done = step else { return (all, step) }
    }
  }
}

/// Bytes each of whose places tells itself.
private func content(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

@Test func `what was taken arrives although its sender has forgotten it`() throws {
  let connection = Connection(try Ends())
  var sent: [UInt8] = []
  // Until the socket is full and something is held.
  while connection.server.isFlushed {
    let bytes = content(50_000)
    let taken = connection.server.send(bytes)
    sent += bytes.prefix(taken ?? 0)
  }
  let more = connection.server.send([1, 2, 3])
  #expect(more == 0, "nothing is taken before what is held")
  var received: [UInt8] = []
  for _ in 0..<1000 where received.count < sent.count {
    received += connection.client.readAll().bytes
    _ = connection.server.flush()
  }
  #expect(received == sent)
  let isFlushed = connection.server.isFlushed
  #expect(isFlushed)
}

@Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION], UInt8(1)...4)
func `what is sent in short records arrives whole`(version: Int32, fragment: UInt8) throws {
  let connection = Connection(fragment: fragment, latest: version, try Ends())
  var sent: [UInt8] = []
  // One more time than fills the socket: in the middle of a piece, most likely.
  for _ in 0..<100 where connection.server.isFlushed {
    let bytes = content(50_000)
    let taken = connection.server.send(bytes)
    sent += bytes.prefix(taken ?? 0)
  }
  var received: [UInt8] = []
  for _ in 0..<10_000 where received.count < sent.count {
    received += connection.client.readAll().bytes
    _ = connection.server.flush()
  }
  #expect(received == sent)
}

@Test func `keys that are renewed while the socket is full hold up nothing`() throws {
  let connection = Connection(try Ends())
  var sent: [UInt8] = []
  while connection.server.isFlushed {
    let bytes = content(50_000)
    let taken = connection.server.send(bytes)
    sent += bytes.prefix(taken ?? 0)
  }
  // The server has to answer this by writing, and cannot.
  let asked = unsafe SSL_key_update(connection.client.ssl, SSL_KEY_UPDATE_REQUESTED)
  #expect(asked == 1)
  let greeted = connection.client.send(Array("hello".utf8))
  #expect(greeted == 5)
  let heard = connection.server.readAll()
  #expect(heard.bytes == Array("hello".utf8))
  var received: [UInt8] = []
  for _ in 0..<1000 where received.count < sent.count {
    received += connection.client.readAll().bytes
    _ = connection.server.flush()
  }
  #expect(received == sent)
  // Both directions go on, with new keys.
  let again = connection.server.send([7, 8, 9])
  #expect(again == 3)
  let last = connection.client.readAll()
  #expect(last.bytes == [7, 8, 9])
}

@Test func `whoever renews keys without end is heard no more`() throws {
  let connection = Connection(try Ends())
  func renew(_ count: Int) {
    for _ in 0..<count {
      _ = unsafe SSL_key_update(connection.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
      _ = unsafe SSL_do_handshake(connection.client.ssl)
    }
  }
  renew(256)
  let first = connection.client.send([1])
  let heard = connection.server.readAll()
  #expect(first == 1 && heard.bytes == [1] && heard.step == .wantsRead)
  renew(1)
  _ = connection.client.send([2])
  _ = connection.server.readAll()
  _ = connection.client.send([3])
  let last = connection.server.readAll()
  #expect(last.bytes.isEmpty && last.step == .failed)
}

@Test func `an end is told from a cut`() throws {
  let ends = try Ends()
  do {
    let connection = Connection(ends)
    _ = connection.server.end()
    let heard = connection.client.readAll()
    #expect(heard.step == .ended)
  }
  let connection = Connection(ends)
  _ = shutdown(connection.sockets[0], Int32(SHUT_WR))
  let heard = connection.client.readAll()
  #expect(heard.step == .failed)
}

@Test func `a small room leaves the rest of a record to be read without the socket`() throws {
  let connection = Connection(try Ends())
  _ = connection.client.readAll()
  let sent = connection.server.send(content(10_000))
  #expect(sent == 10_000)
  var room = [UInt8](repeating: 0, count: 100)
  let first = unsafe room.withUnsafeMutableBytes { unsafe connection.client.read($0) }
  #expect(first.count == 100)
  #expect(room == Array(content(100)))
  let holds = connection.client.holdsInput
  #expect(holds)
  let rest = connection.client.readAll()
  #expect(rest.bytes.count == 9900)
  let isEmpty = !connection.client.holdsInput && connection.client.isDrained
  #expect(isEmpty)
}

@Test func `a ticket is of use only to who checks alike`() throws {
  let ends = try Ends()
  let connection = Connection(ends)
  _ = connection.server.send([1])
  _ = connection.client.readAll()
  let made = connection.client.ticket(ends.client, "site.test")
  let ticket = try #require(made)
  func isResumed(_ connection: borrowing Connection) -> Bool {
    unsafe SSL_session_reused(connection.client.ssl) == 1
  }
  let again = isResumed(Connection(ticket: ticket, ends))
  #expect(again)
  let other = try TLSContext(trusting: nil, verifies: false)
  let resumes = isResumed(Connection(ticket: ticket, Ends(server: ends.server, client: other)))
  #expect(!resumes)
}

@Test func `keys of tickets are forgotten after two more`() throws {
  let made = try SelfSigned(hosts: ["site.test"], days: 1)
  let identity = try TLSIdentity(certificate: made.certificate, key: made.key)
  let keys = TicketKeys()
  let client = try TLSContext(trusting: made.certificate)
  var ticket: TLSTicket?
  for rotations in 0..<4 {
    // A new context each time, as after a certificate that has changed.
    let ends = Ends(server: try TLSContext(identities: [identity], tickets: keys), client: client)
    let connection = Connection(ticket: ticket, ends)
    let isResumed = unsafe SSL_session_reused(connection.client.ssl) == 1
    #expect(isResumed == (1...2).contains(rotations))
    if ticket == nil {
      _ = connection.server.send([1])
      _ = connection.client.readAll()
      ticket = connection.client.ticket(client, "site.test")
    }
    keys.rotate()
  }
}

@Test func `a context that nobody uses any more is gone`() throws {
  weak var first: TLSContext.Handle?
  weak var other: TLSContext.Handle?
  do {
    let identities = try ["site.test", "other.test"].map { host in
      let made = try SelfSigned(hosts: [host, "*.\(host)"], days: 1)
      return try TLSIdentity(certificate: made.certificate, key: made.key)
    }
    let context = try TLSContext(identities: identities, tickets: TicketKeys())
    let client = try TLSContext(trusting: nil, verifies: false)
    _ = Connection(Ends(server: context, client: client))
    first = context.handle
    let names = try #require(unsafe TLSContext.names(of: context.handle.pointer))
    guard case .first? = names.find("site.test"),
      case .other(let handle)? = names.find("other.test")
    else {
      Issue.record("each name leads to its own certificate")
      return
    }
    other = handle
    #expect(first != nil && other != nil)
  }
  #expect(first == nil && other == nil)
}

@Test func `a server that asks for another handshake is told no, and the connection goes on`()
  throws
{
  let connection = Connection(latest: TLS1_2_VERSION, try Ends())
  let server = unsafe connection.server.ssl
  // SSL_OP_NO_RENEGOTIATION, which Swift cannot see.
  _ = unsafe SSL_clear_options(server, 1 << 30)
  let (isAsked, isSent) = unsafe (SSL_renegotiate(server), SSL_do_handshake(server))
  #expect(isAsked == 1 && isSent == 1)
  let sent = connection.server.send(content(1000))
  #expect(sent == 1000)
  let received = connection.client.readAll()
  #expect(received.bytes == content(1000) && received.step == .wantsRead)
  // The end of libssl takes the no for the last word.
  let answered = connection.client.send([1])
  let last = connection.server.readAll()
  #expect(answered == 1 && last.step == .failed)
}

// MARK: What is handed over when hands are shaken

extension Connection {
  /// Both ends, before they have begun; the server hands over.
  fileprivate init(beginning ends: Ends, name: String = "site.test", ticket: TLSTicket? = nil) {
    var numbers: [Int32] = [0, 0]
    let type: Int32 = 1 | 0o4000  // SOCK_STREAM | SOCK_NONBLOCK
    _ = unsafe socketpair(AF_UNIX, type, 0, &numbers)
    sockets = numbers
    server = .accepting(numbers[0], ends.server, handsOver: true)
    client = .connecting(numbers[1], ends.client, to: name, isAddress: false, ticket: ticket)
  }

  /// Has the session handed over, and answers what the client hears of three records.
  fileprivate mutating func passRecords() throws -> [UInt8] {
    guard var established = server.handOver() else { throw CertificateFault.refused("not known") }
    var records = ByteBuffer(capacity: 3 * 600)
    for number in UInt8(1)...3 {
      let said = [UInt8](repeating: number, count: 500)
      #expect(established.sealing.seal(said.span, Span(), as: 23, into: &records))
    }
    let all = records.readable
    let sent = unsafe all.withUnsafeBytes { unsafe send(sockets[0], $0.baseAddress, $0.count, 0) }
    #expect(sent == all.count)
    let heard = client.readAll()
    #expect(heard.step == .wantsRead)
    return heard.bytes
  }
}

private let threeRecords = [1, 2, 3].flatMap { [UInt8](repeating: $0, count: 500) }

/// What makes a handshake another one than the plainest.
enum Turn: CaseIterable {
  case none, resumption, otherName, retry, shortRecords, shortRecordsResumed
}

@Test(arguments: Turn.allCases)
func `records go on behind the tickets, however hands are shaken`(turn: Turn) throws {
  let identities = try ["site.test", "other.test"].map { host in
    let made = try SelfSigned(hosts: [host], days: 1)
    return try TLSIdentity(certificate: made.certificate, key: made.key)
  }
  let ends = Ends(
    server: try TLSContext(identities: identities, tickets: TicketKeys()),
    client: try TLSContext(trusting: nil, verifies: false))
  // The server has no P-521, and asks for X25519 (RFC 8446 §4.1.4).
  if turn == .retry {
    let isSet = unsafe copenssl_set_groups(ends.client.handle.pointer, "P-521:X25519")
    #expect(isSet == 1)
  }
  let isShort = turn == .shortRecords || turn == .shortRecordsResumed
  let name = turn == .otherName ? "other.test" : "site.test"
  func connect(_ ticket: TLSTicket? = nil) -> Connection {
    let connection = Connection(beginning: ends, name: name, ticket: ticket)
    if isShort { _ = unsafe SSL_set_tlsext_max_fragment_length(connection.client.ssl, 1) }
    for _ in 0..<10 { _ = (connection.client.shakeHands(), connection.server.shakeHands()) }
    return connection
  }
  var first = connect()
  #expect(try first.passRecords() == threeRecords)
  guard turn == .resumption || turn == .shortRecordsResumed else { return }
  let ticket = first.client.ticket(ends.client, name)
  var second = connect(ticket)
  let isResumed = unsafe SSL_session_reused(second.client.ssl) == 1
  #expect(isResumed)
  #expect(try second.passRecords() == threeRecords)
}

@Test(arguments: [UInt8(0), 1], [1, 2, 3, 40])
func `tickets that the socket does not take at once are counted once`(fragment: UInt8, room: Int)
  throws
{
  var connection = Connection(beginning: try Ends())
  if fragment > 0 { _ = unsafe SSL_set_tlsext_max_fragment_length(connection.client.ssl, fragment) }
  var least: Int32 = 1
  _ = unsafe setsockopt(connection.sockets[0], SOL_SOCKET, SO_SNDBUF, &least, 4)
  for _ in 0..<4 where connection.client.shakeHands() != .done {
    _ = connection.server.shakeHands()
  }
  // The client's Finished is on its way. Others have filled the way back.
  let stuffing = [UInt8](repeating: 0, count: 200)
  var stuffed = 0
  while unsafe send(connection.sockets[0], stuffing, stuffing.count, 0) == stuffing.count {
    stuffed += 1
  }
  #expect(stuffed > 2)
  var waits = 0
  var step = connection.server.shakeHands()
  var rubbish = [UInt8](repeating: 1, count: 200)
  for _ in 0..<100 where step == .wantsWrite {
    waits += 1
    for _ in 0..<min(room, stuffed) {
      let count = unsafe recv(connection.sockets[1], &rubbish, rubbish.count, 0)
      #expect(count == rubbish.count)
      stuffed -= 1
    }
    step = connection.server.shakeHands()
  }
  #expect(step == .done && waits > 0)
  for _ in 0..<stuffed { _ = unsafe recv(connection.sockets[1], &rubbish, rubbish.count, 0) }
  #expect(try connection.passRecords() == threeRecords)
}
