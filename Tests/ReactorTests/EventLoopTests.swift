import Memory
import Network
import Reactor
import Testing

@Test func `a token carries its kind and handle through epoll's 64 bits`() {
  let handle = Handle(slot: 0x0abc_def1, generation: 0xffff_fffe)
  let token = Token(rawValue: Token(kind: 13, handle: handle).rawValue)
  #expect(token.kind == 13)
  #expect(token.handle == handle)
}

@Test func `one registration tells of both directions and of the end`() throws {
  var loop = try EventLoop()
  let listener = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
  let address = try Syscalls.localAddress(listener)
  let client = try Sockets.connecting(to: address)
  let token = Token(kind: 2, handle: Handle(slot: 3, generation: 4))
  try loop.register(client, token: token)

  #expect(try loop.poll(timeout: 5000) == 1)
  #expect(loop.event(0).token == token)
  #expect(loop.event(0).readiness == [.writable])
  #expect(Syscalls.connectError(client) == nil)
  let quiet = try loop.poll(timeout: 0)
  #expect(quiet == 0, "an edge is told once")

  var peer = SocketAddress(.loopbackV4, port: 0)
  var server = try Syscalls.accept(from: listener, peer: &peer)
  let local = try Syscalls.localAddress(client)
  #expect(peer == local)
  var buffer = ByteBuffer(capacity: 8)
  buffer.append("ping")
  guard let open = server.take() else { throw SystemError(call: "accept", errno: 0) }
  #expect(try Syscalls.send(&buffer, to: open) == 4)
  #expect(try loop.poll(timeout: 5000) == 1)
  #expect(loop.event(0).readiness.contains(.readable))
  #expect(try Syscalls.receive(from: client, into: &buffer) == .bytes(4))

  Syscalls.shutdown(open, .both)
  #expect(try loop.poll(timeout: 5000) == 1)
  #expect(loop.event(0).readiness.contains(.peerDone))
  #expect(try Syscalls.receive(from: client, into: &buffer) == .endOfStream)
}

@Test func `another thread ends the wait`() throws {
  var loop = try EventLoop()
  let wakeup = try Wakeup()
  try loop.registerReadable(
    wakeup.descriptor, token: Token(kind: 1, handle: Handle(slot: 0, generation: 1)))
  wakeup.wake()
  wakeup.wake()
  #expect(try loop.poll(timeout: 5000) == 1)
  wakeup.acknowledge()
  let quiet = try loop.poll(timeout: 0)
  #expect(quiet == 0)
  wakeup.wake()
  #expect(try loop.poll(timeout: 5000) == 1)
}

@Test func `a refused connection tells its reason`() throws {
  var loop = try EventLoop()
  let address: SocketAddress
  do {
    let listener = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
    address = try Syscalls.localAddress(listener)
  }
  let client = try Sockets.connecting(to: address)
  try loop.register(client, token: Token(kind: 1, handle: Handle(slot: 0, generation: 1)))
  #expect(try loop.poll(timeout: 5000) == 1)
  #expect(loop.event(0).readiness.contains(.hangUp))
  let error = Syscalls.connectError(client)
  #expect(error?.description == "connect: Connection refused (ECONNREFUSED)")
}
