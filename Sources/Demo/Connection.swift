import Memory
import Reactor

/// One accepted connection, which any thread may end and one serves.
final class Connection: Sendable {
  let socket: Descriptor

  /// How long a client may be silent between requests, or take nothing, in milliseconds.
  static let patience = 75_000

  init(_ socket: consuming Descriptor) {
    self.socket = socket
    Syscalls.setTimeouts(self.socket, milliseconds: Self.patience)
    Syscalls.set(.noDelay, on: self.socket)
  }

  /// Ends it as if the process had been killed: whoever waits for it is woken. The number stays
  /// taken until the last owner lets go, so that nobody's wait meets a stranger.
  func end() { Syscalls.shutdown(socket, .both) }

  /// Waits for more and appends it to `buffer`; false at the end of the connection, however it
  /// comes.
  func receive(into buffer: inout ByteBuffer) -> Bool {
    buffer.compact()
    guard buffer.space > 0, case .bytes = try? Syscalls.receive(from: socket, into: &buffer)
    else { return false }
    return true
  }

  /// Sends all; false at the end of the connection.
  func send(_ bytes: [UInt8]) -> Bool {
    (try? Syscalls.sendAll(bytes.span, to: socket)) != nil
  }
}
