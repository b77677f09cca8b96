import Memory
import Reactor

// A large body that goes on as it came need not be seen: the kernel moves it from the server's
// socket through a pipe to the client's, and copies nothing. What is in the pipe stands between
// the output and the store. So nothing more goes into it once there is something in the store, and
// while it holds something nothing goes to the output: a client that stops taking has the pipe
// filled for it, and what comes then is copied into the store as ever, until both are empty.

extension Worker {
  /// Bodies from this length on are spliced: those that a buffer or two hold are copied with as few
  /// calls.
  static let splicedBytes = 64 << 10

  /// Decides how the body that begins goes to the client.
  @inline(__always) mutating func choosePassage(_ exchange: Handle) {
    guard case .length(let length) = exchanges[exchange].responseBody,
      length >= UInt64(Self.splicedBytes), exchanges[exchange].compressor == .none
    else { return }
    if clients[exchanges[exchange].client].transport.isSecure {
      exchanges[exchange].passage = .sealed
    } else if !upstreams[exchanges[exchange].upstream].transport.isSecure {
      exchanges[exchange].passage = .spliced
    }
  }

  /// Whether a pipe has room for what the server sends next, and it is the pipe's turn.
  func maySplice(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].passage == .spliced, exchanges[exchange].responseStore.isEmpty,
      exchanges[exchange].input.isEmpty
    else { return false }
    let pipe = exchanges[exchange].pipe
    return pipe == .none || !pipes.all[pipe].isFull
  }

  /// Moves the next piece of the body from the server into a pipe; nil when that cannot be, and
  /// it has to be read.
  mutating func spliceBody(_ exchange: Handle) -> Transport.Reading? {
    guard case .length(let left) = exchanges[exchange].responseBody, takePipe(exchange) else {
      exchanges[exchange].passage = .copied
      return nil
    }
    let pipe = exchanges[exchange].pipe
    let before = pipes.all[pipe].count
    // Behind the body stands the next response: no byte more is moved.
    let reading = upstreams[exchanges[exchange].upstream].transport.receive(
      into: &pipes.all[pipe], atMost: min(Int(clamping: left), Pipes.pipeBytes))
    let moved = UInt64(pipes.all[pipe].count - before)
    exchanges[exchange].responseBody = left == moved ? .none : .length(left - moved)
    givePipeIfEmpty(exchange)
    guard case .failed = reading else { return reading }
    // Whether it is the connection that has failed, or only this way of using it, reading tells.
    exchanges[exchange].passage = .copied
    return nil
  }

  /// Sends what the pipe holds.
  mutating func sendPiped(_ exchange: Handle) throws(SystemError) -> Int {
    let sent = try clients[exchanges[exchange].client].transport.send(
      &pipes.all[exchanges[exchange].pipe])
    givePipeIfEmpty(exchange)
    return sent
  }

  private mutating func takePipe(_ exchange: Handle) -> Bool {
    if exchanges[exchange].pipe != .none { return true }
    guard let pipe = pipes.take() else { return false }
    exchanges[exchange].pipe = pipe
    return true
  }

  private mutating func givePipeIfEmpty(_ exchange: Handle) {
    if pipes.all[exchanges[exchange].pipe].isEmpty { dropPipe(exchange) }
  }

  /// Gives the pipe back, if the exchange has one; what it holds is lost.
  mutating func dropPipe(_ exchange: Handle) {
    guard exchanges[exchange].pipe != .none else { return }
    pipes.give(exchanges[exchange].pipe)
    exchanges[exchange].pipe = .none
  }
}
