import Memory
import Network
import Reactor
import Synchronization

/// Answers every request at once, but for one: before that it does nothing at all for a while, as
/// a process that is not scheduled or collects its garbage.
final class StallingServer: Sendable {
  let address: SocketAddress
  private let isOver = Atomic(false)

  /// - Parameters:
  ///   - stall: in milliseconds; nil never answers that request.
  ///   - number: of the request that it stalls at.
  init(stall: Int?, atRequest number: Int) throws {
    let listener = Box(try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0)))
    address = try Syscalls.localAddress(listener.socket)
    try Thread.start(name: "server") { [self] in
      do { try serve(listener.socket, stall, number) } catch { fatalError("\(error)") }
    }
  }

  func stop() { isOver.store(true, ordering: .relaxed) }

  private final class Box: Sendable {
    let socket: Descriptor
    init(_ socket: consuming Descriptor) { self.socket = socket }
  }

  private static let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)

  private func serve(
    _ listener: borrowing Descriptor, _ stall: Int?, _ number: Int
  ) throws {
    let listenerKind: UInt8 = 1
    var loop = try EventLoop()
    try loop.registerListener(
      listener, token: Token(kind: listenerKind, handle: Handle(slot: 0, generation: 0)))
    var connections = Slab<Transport>(capacity: 64)
    var buffer = ByteBuffer(capacity: 4096)
    var requests = 0
    while !isOver.load(ordering: .relaxed) {
      for i in 0..<(try loop.poll(timeout: 100)) {
        let event = loop.event(i)
        if event.token.kind == listenerKind {
          var peer = SocketAddress(.loopbackV4, port: 0)
          guard let socket = try Syscalls.accept(from: listener, peer: &peer),
            let handle = connections.insert(Transport(socket, isWritable: true))
          else { continue }
          try loop.register(
            connections[handle].socket, token: Token(kind: 0, handle: handle))
          continue
        }
        let handle = event.token.handle
        guard connections.contains(handle) else { continue }
        connections[handle].note(event.readiness)
        while connections[handle].isReadable {
          buffer.clear()
          switch connections[handle].receive(into: &buffer) {
          case .bytes:
            // One request at a time comes on a connection, and fits one segment.
            requests += 1
            if requests == number {
              guard let stall else { continue }
              Syscalls.pause(milliseconds: stall)
            }
            _ = try connections[handle].send(Self.answer.span)
          case .wouldBlock: break
          case .endOfStream, .failed: connections[handle].endReading()
          }
        }
      }
    }
  }
}
