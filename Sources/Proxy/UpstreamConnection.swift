import Memory
import Network
import Reactor

/// Our connection to a server.
struct UpstreamConnection: ~Copyable {
  enum State: UInt8 {
    case connecting
    /// Nothing is owed in either direction; any other request may use it.
    case idle
    case exchange
    case tunnel
  }

  let socket: Descriptor
  /// The server's cell: what idle connections are kept by.
  let cell: Int
  var state = State.connecting
  var isReadable = false
  var isWritable = false
  /// The server will send no more.
  var isDone = false
  /// Requests sent on this connection, the present one included.
  var requests: UInt32 = 0
  var deadline = Deadline()
  /// The exchange it serves, or the tunnel.
  var work = Handle.none
  /// The next younger and the next older among the server's idle connections.
  var younger = Handle.none
  var older = Handle.none

  init(socket: consuming Descriptor, cell: Int) {
    self.socket = socket
    self.cell = cell
  }

  /// Reads once; keeps note of whether more may wait.
  mutating func receive(into buffer: inout ByteBuffer) -> Reading {
    Reading.from(socket, into: &buffer, isReadable: &isReadable, isDone: &isDone)
  }

  /// Sends from the front of `buffer` what the kernel takes; keeps note of whether it took all.
  mutating func send(_ buffer: inout ByteBuffer, more: Bool = false) throws(SystemError) -> Int {
    let sent = try Syscalls.send(&buffer, to: socket, more: more)
    if !buffer.isEmpty { isWritable = false }
    return sent
  }

  /// The same for what is in front of a store.
  mutating func send(_ store: inout BodyStore) throws(SystemError) -> Int {
    let sent = try store.send(to: socket)
    if sent == 0 { isWritable = false }
    return sent
  }
}
