import Memory
import Reactor

/// What one `recv` brought.
enum Reading {
  case bytes, endOfStream, wouldBlock
  /// The connection was reset, or broke otherwise.
  case failed

  /// Reads once from a socket that is registered edge-triggered.
  ///
  /// - Parameters:
  ///   - isReadable: cleared when nothing more waits: the next bytes come with their own event.
  ///   - isDone: whether the peer's end has been announced; set when it has been read.
  static func from(
    _ socket: borrowing Descriptor, into buffer: inout ByteBuffer, isReadable: inout Bool,
    isDone: inout Bool
  ) -> Reading {
    let room = buffer.space
    do throws(SystemError) {
      switch try Syscalls.receive(from: socket, into: &buffer) {
      case .bytes(let count):
        // A short read has emptied the socket, unless the end stands behind what was read.
        if count < room, !isDone { isReadable = false }
        return .bytes
      case .endOfStream:
        isDone = true
        return .endOfStream
      case .wouldBlock:
        isReadable = false
        return .wouldBlock
      }
    } catch {
      return .failed
    }
  }
}
