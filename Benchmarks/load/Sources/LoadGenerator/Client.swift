import HTTP
import Memory
import Reactor

/// A request that somebody means to send.
struct Wanted {
  /// Its numbers in the mix.
  let kind: Int
  let request: Int
  /// When it is meant to be sent.
  let intended: Instant
  /// Whether it is counted: the warm-up's are not.
  let counts: Bool
}

/// One connection of the load: it asks, waits for the answer, and is free again.
struct Client: ~Copyable {
  enum State: UInt8 { case connecting, idle, asking }

  var transport: Transport
  var state = State.connecting
  /// What is asked now, or was asked last.
  var wanted = Wanted(kind: 0, request: 0, intended: 0, counts: false)
  var sentAt: Instant = 0
  /// Bytes of the request that the kernel has taken.
  var sent = 0
  var reader = AnswerReader()
  /// It holds a head, at the least.
  var buffer = ByteBuffer(capacity: 64 << 10)

  init(_ socket: consuming Descriptor) {
    transport = Transport(socket, isWritable: false)
  }

  /// Sends as much of the request as the kernel takes.
  mutating func send(_ bytes: Span<UInt8>) throws(SystemError) {
    while sent < bytes.count, transport.isWritable {
      sent += try transport.send(bytes.extracting(droppingFirst: sent))
    }
  }

  /// Reads until the answer is complete or nothing more is here.
  ///
  /// - Throws: why there will be no answer.
  mutating func receive(
    method: HTTP.Method, head: inout ResponseHead
  ) throws(Failure) -> Answer? {
    while transport.isReadable {
      if buffer.isEmpty { buffer.clear() } else if buffer.space == 0 { buffer.compact() }
      switch transport.receive(into: &buffer) {
      case .bytes:
        do throws(Malformed) {
          if let answer = try reader.read(&buffer, method: method, head: &head) { return answer }
        } catch {
          throw .malformed
        }
      case .endOfStream:
        guard reader.endsWithConnection else { throw .connection }
        return reader.unfinished
      case .wouldBlock: break
      case .failed: throw .connection
      }
    }
    return nil
  }
}

extension Failure: Error {}
