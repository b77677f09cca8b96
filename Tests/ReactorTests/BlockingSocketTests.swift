import Memory
import Network
import Reactor
import Testing

final class BlockingSocketTests {
  /// A connection that another thread may use.
  private final class Shared: Sendable {
    let socket: Descriptor
    init(_ socket: consuming Descriptor) { self.socket = socket }
  }

  let listener: Descriptor
  let address: SocketAddress

  init() throws {
    listener = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0), isBlocking: true)
    address = try Syscalls.localAddress(listener)
  }

  private func accept() throws -> Descriptor {
    var peer = address
    while true {
      if let socket = try Syscalls.accept(from: listener, peer: &peer, isBlocking: true) {
        return socket
      }
    }
  }

  @Test func `a wait ends with bytes, and goes on without`() throws {
    let client = try Sockets.connected(to: address, timeout: 10_000)
    let server = try accept()
    let before = Syscalls.wait(for: server, milliseconds: 0)
    #expect(before == [])
    try Syscalls.sendAll("x".utf8.span, to: client)
    let after = Syscalls.wait(for: server, milliseconds: 10_000)
    #expect(after == .readable)
  }

  @Test func `a wait that is not for bytes ends with the connection only`() throws {
    let wakeup = try Wakeup()
    let client = try Sockets.connected(to: address, timeout: 10_000)
    let server = try accept()
    try Syscalls.sendAll("x".utf8.span, to: client)
    let readable = Syscalls.wait(for: server, milliseconds: 10_000)
    #expect(readable == .readable)
    let before = Syscalls.wait(for: server, reading: false, or: wakeup, milliseconds: 0)
    #expect(before == [])
    Syscalls.shutdown(client, .both)
    let after = Syscalls.wait(for: server, reading: false, or: wakeup, milliseconds: 10_000)
    #expect(after.contains(.hungUp))
  }

  @Test func `a wake-up ends a wait until it is acknowledged`() throws {
    let wakeup = try Wakeup()
    let client = try Sockets.connected(to: address, timeout: 10_000)
    wakeup.wake()
    let woken = Syscalls.wait(for: client, or: wakeup, milliseconds: 10_000)
    #expect(woken == .woken)
    wakeup.acknowledge()
    let after = Syscalls.wait(for: client, or: wakeup, milliseconds: 0)
    #expect(after == [])
  }

  @Test func `more than the kernel holds is sent whole`() throws {
    let client = Shared(try Sockets.connected(to: address, timeout: 10_000))
    let server = try accept()
    let count = 8 << 20
    try Thread.start(name: "sender") { [bytes = [UInt8](repeating: 7, count: count)] in
      _ = try? Syscalls.sendAll(bytes.span, to: client.socket)
      Syscalls.shutdown(client.socket, .writing)
    }
    var buffer = ByteBuffer(capacity: 64 << 10)
    var received = 0
    while case .bytes(let n) = try Syscalls.receive(from: server, into: &buffer) {
      received += n
      buffer.clear()
    }
    #expect(received == count)
  }

  @Test func `a connection is refused where nobody listens`() throws {
    let reserved = try Syscalls.streamSocket(for: .loopbackV4)
    try Syscalls.bind(reserved, to: SocketAddress(.loopbackV4, port: 0))
    let nobody = try Syscalls.localAddress(reserved)
    var refused = false
    do throws(SystemError) {
      _ = try Sockets.connected(to: nobody, timeout: 10_000)
    } catch {
      refused = error.name == "ECONNREFUSED"
    }
    #expect(refused)
  }
}
