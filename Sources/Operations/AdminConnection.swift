import Memory
import Reactor

/// A client of the admin listener. (Not nested in `AdminServer` and private to it: Swift 6.3.1
/// then crashes where another module owns an `AdminServer`.)
struct AdminConnection: ~Copyable {
  enum State {
    /// Between requests.
    case idle
    /// A head is awaited, or part of it is here.
    case head
    case sending
    /// The last answer is out; what comes is read and forgotten.
    case lingering
  }

  let socket: Descriptor
  /// Nobody on another machine can have opened it.
  let isLocal: Bool
  var state = State.head
  var input = ByteBuffer(capacity: AdminServer.headLimits.headBytes)
  /// The answer that is on its way.
  var output: ByteBuffer?
  var closesAfterOutput = false
  var requests = 0
  var forgotten = 0
  var timer: TimerWheel.ID = 0

  init(socket: consuming Descriptor, isLocal: Bool) {
    self.socket = socket
    self.isLocal = isLocal
  }
}
