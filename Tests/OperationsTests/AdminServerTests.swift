import Configuration
import Memory
import Network
import Operations
import Reactor
import Testing

/// The server on a loop that the test turns by hand, at a time that it sets.
private struct Bench: ~Copyable {
  var control: ControlLoop
  var server: AdminServer

  init() throws {
    var control = try ControlLoop(clock: Clock(now: 1_000_000_000, wall: 0))
    let sockets = try ListeningSockets([Listen(Endpoint(.address(.loopbackV4), port: 0))])
    let server = try AdminServer(listening: sockets, &control)
    self.control = control
    self.server = server
  }

  mutating func turn(answer: (AdminRequest) -> AdminResponse) throws {
    let count = try control.events.poll(timeout: 0)
    for i in 0..<count {
      server.handle(control.events.event(i), &control) { request, _ in answer(request) }
    }
    while let token = control.timers.nextExpired(now: control.clock.now) {
      server.expired(token, &control)
    }
  }

  /// Turns until the client has read `enough`, or the end of the connection.
  mutating func exchange(
    _ client: borrowing Descriptor, until enough: (String) -> Bool
  ) throws -> (text: String, isEnded: Bool) {
    var buffer = ByteBuffer(capacity: 1 << 20)
    var isEnded = false
    let isDone = try eventually {
      try turn { $0.path == "/page" ? .text(200, "hello\n") : .json(404, "{}") }
      switch try Syscalls.receive(from: client, into: &buffer) {
      case .bytes, .wouldBlock: break
      case .endOfStream: isEnded = true
      }
      return isEnded || enough(text(buffer))
    }
    #expect(isDone)
    return (text(buffer), isEnded)
  }

  func connect() throws -> Descriptor {
    let socket = try Syscalls.streamSocket(for: .loopbackV4)
    _ = try Syscalls.connect(socket, to: server.addresses[0])
    return socket
  }
}

private func text(_ buffer: borrowing ByteBuffer) -> String {
  var bytes: [UInt8] = []
  for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
  return String(decoding: bytes, as: UTF8.self)
}

private func send(_ message: String, to socket: borrowing Descriptor) throws {
  var buffer = ByteBuffer(capacity: max(message.utf8.count, 1))
  buffer.append(text: message)
  while !buffer.isEmpty { _ = try Syscalls.send(&buffer, to: socket) }
}

private let get = "GET /page HTTP/1.1\r\nHost: admin\r\n\r\n"

@Test func `one connection carries several requests`() throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send(get + get.replacing("GET", with: "HEAD") + "GET /other?x HTTP/1.1\r\n", to: client)
  let (first, _) = try bench.exchange(client) { $0.contains("hello\n") }
  #expect(
    first.hasPrefix(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n"
        + "Cache-Control: no-store\r\n\r\nhello\nHTTP/1.1 200 OK\r\n"))
  #expect(first.hasSuffix("Content-Length: 6\r\nCache-Control: no-store\r\n\r\n"), "HEAD: no body")
  try send("Host: admin\r\n\r\n", to: client)
  let (second, isEnded) = try bench.exchange(client) { $0.contains("{}") }
  #expect(second.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
  #expect(!isEnded)
  let open = bench.server.connectionCount
  #expect(open == 1)
}

struct RefusedRow: Sendable {
  let rule: String
  let request: String
  let status: String
}

@Test(arguments: [
  RefusedRow(
    rule: "only GET, HEAD and POST",
    request: "PUT /page HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    status: "405 Method Not Allowed"),
  RefusedRow(
    rule: "no body",
    request: "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    status: "413 Content Too Large"),
  RefusedRow(
    rule: "no body, however framed",
    request: "POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    status: "413 Content Too Large"),
  RefusedRow(
    rule: "RFC 9112 §3.2: no Host", request: "GET /page HTTP/1.1\r\n\r\n", status: "400 Bad Request"
  ),
  RefusedRow(
    rule: "no HTTP", request: "\u{16}\u{3}\u{1}hello\r\n\r\n", status: "400 Bad Request"),
  RefusedRow(
    rule: "a line too long", request: "GET /" + String(repeating: "x", count: 5000),
    status: "414 URI Too Long"),
  RefusedRow(
    rule: "a head too long",
    request: "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 9000),
    status: "431 Request Header Fields Too Large"),
  RefusedRow(
    rule: "RFC 9112 §9.6: closed when the client says so",
    request: "GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", status: "200 OK"),
  RefusedRow(rule: "HTTP/1.0 closes", request: "GET /page HTTP/1.0\r\n\r\n", status: "200 OK"),
])
func `an answer after which nothing can follow ends the connection`(_ row: RefusedRow) throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send(row.request, to: client)
  let (answer, isEnded) = try bench.exchange(client) { _ in false }
  #expect(answer.hasPrefix("HTTP/1.1 \(row.status)\r\n"), "\(row.rule)")
  #expect(answer.contains("Connection: close\r\n"), "\(row.rule)")
  #expect(isEnded)
  Syscalls.shutdown(client, .both)
  #expect(
    try eventually {
      try bench.turn { _ in .text(200, "") }
      return bench.server.connectionCount == 0
    })
}

@Test func `a 405 names the methods that would be right`() throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send("DELETE /page HTTP/1.1\r\nHost: a\r\n\r\n", to: client)
  let (answer, _) = try bench.exchange(client) { $0.contains("only GET, HEAD, POST") }
  #expect(answer.contains("Allow: GET, HEAD, POST\r\n"))
}

@Test func `a head that comes too slowly is not waited for`() throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send("GET /page HTTP/1.1\r\n", to: client)
  #expect(
    try eventually {
      try bench.turn { _ in .text(200, "") }
      return bench.server.connectionCount == 1
    })
  bench.control.clock.now += 4_900_000_000
  try bench.turn { _ in .text(200, "") }
  #expect(bench.server.connectionCount == 1)
  bench.control.clock.now += 200_000_000
  try bench.turn { _ in .text(200, "") }
  #expect(bench.server.connectionCount == 0)
}

@Test func `a reader that does not read is not waited for`() throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send(get, to: client)
  let page = String(repeating: "x", count: 8 << 20)  // more than the kernel buffers
  #expect(
    try eventually {
      try bench.turn { _ in .text(200, page) }
      return bench.server.connectionCount == 1
    })
  for _ in 0..<50 { try bench.turn { _ in .text(200, page) } }
  bench.control.clock.now += 10_100_000_000
  try bench.turn { _ in .text(200, page) }
  #expect(bench.server.connectionCount == 0)
}

@Test func `a long answer arrives whole at a slow reader`() throws {
  var bench = try Bench()
  let client = try bench.connect()
  try send(get.replacing("1.1\r\n", with: "1.1\r\nConnection: close\r\n"), to: client)
  let page = String(repeating: "x", count: 6 << 20)
  var count = 0
  var buffer = ByteBuffer(capacity: 64 << 10)
  let isWhole = try eventually {
    try bench.turn { _ in .text(200, page) }
    buffer.clear()
    switch try Syscalls.receive(from: client, into: &buffer) {
    case .bytes(let n): count += n
    case .endOfStream: return true
    case .wouldBlock: break
    }
    return false
  }
  #expect(isWhole)
  #expect(count > 6 << 20)
}

@Test func `when all places are taken an idle connection makes room`() throws {
  var bench = try Bench()
  let first = try bench.connect()
  try send(get, to: first)
  _ = try bench.exchange(first) { $0.contains("hello\n") }
  var others: [CInt] = []
  for _ in 0..<63 { others.append(try bench.connect().release()) }
  #expect(
    try eventually {
      try bench.turn { _ in .text(200, "") }
      return bench.server.connectionCount == 64
    })
  let last = try bench.connect()
  try send(get, to: last)
  let (answer, _) = try bench.exchange(last) { $0.contains("hello\n") }
  #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
  let (_, isEnded) = try bench.exchange(first) { _ in false }
  #expect(isEnded)
  for number in others { _ = Descriptor(owning: number) }
}

@Test func `all addresses are two sockets with one port`() throws {
  let sockets = try ListeningSockets([Listen(Endpoint(.any, port: 0))], sharesPort: true)
  let addresses = sockets.addresses
  #expect(addresses.last?.address == .anyV4)
  #expect(Set(addresses.map(\.port)).count == 1)
  #expect(addresses.allSatisfy { $0.port != 0 })
  let beside = try ListeningSockets(beside: addresses)
  let others = beside.addresses
  #expect(others == addresses)
}

@Test func `an address in use is an error that names it`() throws {
  let sockets = try ListeningSockets([Listen(Endpoint(.address(.loopbackV4), port: 0))])
  let address = sockets.addresses[0]
  let error = #expect(throws: ListenError.self) {
    _ = try ListeningSockets([Listen(Endpoint(address))])
  }
  #expect(
    error?.description
      == "cannot listen on \(address): bind: Address already in use (EADDRINUSE)")
  withExtendedLifetime(sockets) {}
}

@Test func `a port that another process shares is in use all the same`() throws {
  let listen = Listen(Endpoint(.address(.loopbackV4), port: 0))
  let sockets = try ListeningSockets([listen], sharesPort: true)
  let address = sockets.addresses[0]
  let error = #expect(throws: ListenError.self) {
    _ = try ListeningSockets([Listen(Endpoint(address))], sharesPort: true)
  }
  #expect(error?.cause.isAddressInUse == true)
  withExtendedLifetime(sockets) {}
}
