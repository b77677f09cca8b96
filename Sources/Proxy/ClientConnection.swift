import Memory
import Network
import Reactor

/// A client's connection. Between requests this is all that it costs.
struct ClientConnection: ~Copyable {
  enum State: UInt8 {
    /// A balancer is to say whose connection it is.
    case proxyHeader
    /// It is to speak TLS, and has said nothing yet.
    case unheard
    /// TLS is being agreed on, or waits to be.
    case handshake
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

  var transport: Transport
  /// Who connected, or for whom, as a balancer that is believed has said.
  var address: SocketAddress
  var state = State.idle
  /// It spoke TLS with the balancer, as that has said.
  var cameSecurely = false
  /// The entry of `listen` that it came by.
  let place: UInt16
  /// Requests begun on this connection.
  var requests: UInt32 = 0
  /// Bytes of a body that nobody wants, before the next request.
  var unwanted: UInt32 = 0
  let accepted: Instant
  var deadline = Deadline()
  /// The exchange under way, or the tunnel.
  var work = Handle.none

  init(socket: consuming Descriptor, address: SocketAddress, place: Int, now: Instant) {
    transport = Transport(socket, isWritable: true)
    self.address = address
    self.place = UInt16(truncatingIfNeeded: place)
    accepted = now
  }

  /// Whether it speaks TLS, with us or with a balancer that is believed.
  var speaksTLS: Bool { transport.isSecure || cameSecurely }
}

extension Handle {
  /// Names nobody.
  static let none = Handle(slot: 0, generation: 0)
}
