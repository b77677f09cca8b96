import Memory
import Reactor

/// Our connection to a server.
struct UpstreamConnection: ~Copyable {
  enum State: UInt8 {
    case connecting
    /// TLS is being agreed on.
    case handshake
    /// Nothing is owed in either direction; any other request may use it.
    case idle
    case exchange
    case tunnel
  }

  var transport: Transport
  /// The server's cell: what idle connections are kept by.
  let cell: Int
  /// The server's `placement` when the connection was opened.
  var placement: UInt64 = 0
  var state = State.connecting
  /// Requests sent on this connection, the present one included.
  var requests: UInt32 = 0
  /// From when on it carries no other request.
  var retirement: Instant = .max
  var deadline = Deadline()
  /// The exchange it serves, or the tunnel.
  var work = Handle.none
  /// The next younger and the next older among the server's idle connections.
  var younger = Handle.none
  var older = Handle.none

  init(socket: consuming Descriptor, cell: Int) {
    transport = Transport(socket, isWritable: false)
    self.cell = cell
  }
}
