import Memory
import Network
import Reactor

/// A client's connection. Between requests this is all that it costs.
struct ClientConnection: ~Copyable {
  enum State: UInt8 {
    /// Between requests: owns no buffer.
    case idle
    /// A request is being read or a response is owed.
    case exchange
    /// Bytes go both ways, unread.
    case tunnel
    /// Everything has been said; what the client still sends is read and dropped, so that the
    /// last response is not lost to a reset (RFC 9112 §9.6).
    case lingering
  }

  let socket: Descriptor
  /// Who connected.
  let address: SocketAddress
  var state = State.idle
  /// Bytes, or the end, may wait to be read.
  var isReadable = false
  var isWritable = true
  /// The client will send no more.
  var isDone = false
  /// Requests begun on this connection.
  var requests: UInt32 = 0
  var deadline = Deadline()
  /// The exchange under way, or the tunnel.
  var work = Handle.none

  init(socket: consuming Descriptor, address: SocketAddress) {
    self.socket = socket
    self.address = address
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

extension Handle {
  /// Names nobody.
  static let none = Handle(slot: 0, generation: 0)
}
