public import Memory

/// A connected socket and what is known of it since its last event: the bytes' way in and out,
/// in plain or, with a session, over TLS.
///
/// The socket is registered edge-triggered. So whoever stops before it would block remembers
/// that there was more: that is what the flags are.
public struct Transport: ~Copyable {
  public let socket: Descriptor
  /// Bytes, or the end, may wait to be read.
  public var isReadable = false
  /// The kernel may take bytes.
  public var isWritable: Bool
  /// The peer will send no more: its end has been announced, or read.
  public internal(set) var isDone = false
  var secrecy = SecrecyFlags()
  /// What makes it TLS; none in plain. It calls for the socket no more when it goes.
  var channel = Box<SecureChannel>()

  /// - Parameter isWritable: false while the connection is still being opened.
  public init(_ socket: consuming Descriptor, isWritable: Bool) {
    self.socket = socket
    self.isWritable = isWritable
  }

  /// Takes notice of an event.
  public mutating func note(_ readiness: Readiness) {
    if readiness.contains(.writable) { isWritable = true }
    if readiness.contains(.readable) { isReadable = true }
    if readiness.contains(.peerDone) || readiness.contains(.hangUp) {
      isDone = true
      isReadable = true
    }
    if !channel.isEmpty { noteSecurely(readiness) }
  }

  /// What one `receive` brought.
  public enum Reading: Sendable {
    case bytes, endOfStream, wouldBlock
    /// The connection was reset, or broke otherwise.
    case failed
  }

  /// Reads once; appends to `buffer`, which has space.
  public mutating func receive(into buffer: inout ByteBuffer) -> Reading {
    receive(into: &buffer, atMost: buffer.space)
  }

  /// The same, up to `room` bytes, which is not more than there is space.
  public mutating func receive(into buffer: inout ByteBuffer, atMost room: Int) -> Reading {
    if !channel.isEmpty { return receiveSecurely(into: &buffer, atMost: room) }
    do throws(SystemError) {
      let received = try Syscalls.receive(from: socket, into: &buffer, atMost: room)
      // A short read has emptied the socket, unless the end stands behind what was read.
      if case .bytes(let count) = received, count < room, !isDone { isReadable = false }
      return takeNotice(of: received)
    } catch {
      return .failed
    }
  }

  @inline(__always) private mutating func takeNotice(of received: Syscalls.Received) -> Reading {
    switch received {
    case .bytes: return .bytes
    case .endOfStream:
      isDone = true
      return .endOfStream
    case .wouldBlock:
      isReadable = false
      return .wouldBlock
    }
  }

  /// Appends what waits in the socket to `buffer`, and leaves it there: what is at the beginning
  /// may be nobody's who reads from here on. Before TLS only.
  public mutating func peek(into buffer: inout ByteBuffer) -> Reading {
    precondition(channel.isEmpty, "what the socket has is not for who reads in plain")
    do throws(SystemError) {
      return takeNotice(of: try Syscalls.peek(from: socket, into: &buffer))
    } catch {
      return .failed
    }
  }

  /// Moves up to `count` bytes that have come into `pipe`. That it would block means that there
  /// are none, or that the pipe is full.
  ///
  /// - Precondition: the connection is plain.
  public mutating func receive(into pipe: inout Pipe, atMost count: Int) -> Reading {
    precondition(channel.isEmpty, "what is encrypted does not go through a pipe")
    do throws(SystemError) {
      switch try Syscalls.splice(from: socket, into: pipe, count: count) {
      case .bytes(let moved):
        pipe.count += moved
        return .bytes
      case .endOfStream:
        isDone = true
        return .endOfStream
      case .wouldBlock:
        // The call does not say at which end.
        pipe.isFull = !pipe.isEmpty && !Syscalls.isSilent(socket)
        if !pipe.isFull { isReadable = false }
        return .wouldBlock
      }
    } catch {
      return .failed
    }
  }

  /// Sends what `pipe` holds; answers how many bytes were taken.
  ///
  /// - Precondition: the connection is plain, and the pipe not empty.
  public mutating func send(_ pipe: inout Pipe) throws(SystemError) -> Int {
    precondition(channel.isEmpty && !pipe.isEmpty, "an empty pipe would seem to block")
    let sent = try Syscalls.splice(from: pipe, to: socket)
    pipe.count -= sent
    if sent > 0 { pipe.isFull = false } else { isWritable = false }
    return sent
  }

  /// Sends from the front of `buffer` and consumes what the kernel took; answers how much.
  ///
  /// - Parameter more: more is known to follow at once, so that a last short segment may wait.
  public mutating func send(
    _ buffer: inout ByteBuffer, more: Bool = false
  ) throws(SystemError) -> Int {
    if !channel.isEmpty {
      let sent = try sendSecurely(buffer.readable, more: more)
      buffer.consume(sent)
      return sent
    }
    let sent = try Syscalls.send(&buffer, to: socket, more: more)
    if !buffer.isEmpty { isWritable = false }
    return sent
  }

  /// Sends `first` and then `second` with one call; answers how many bytes of both were taken.
  public mutating func send(
    _ first: Span<UInt8>, _ second: Span<UInt8>
  ) throws(SystemError) -> Int {
    if !channel.isEmpty { return try sendSecurely(first, second) }
    let sent = try Syscalls.send(first, second, to: socket)
    if sent < first.count + second.count { isWritable = false }
    return sent
  }

  /// Sends from the front of `bytes`; answers how many were taken.
  public mutating func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int {
    if !channel.isEmpty { return try sendSecurely(bytes) }
    let sent = try Syscalls.send(bytes, to: socket)
    if sent < bytes.count { isWritable = false }
    return sent
  }

  /// Sends a piece of a file; answers how many bytes were taken, nil when the file has been cut.
  public mutating func sendFile(
    _ file: borrowing Descriptor, from offset: Int, count: Int
  ) throws(SystemError) -> Int? {
    if !channel.isEmpty { return try sendFileSecurely(file, from: offset, count: count) }
    let sent = try Syscalls.sendFile(file, from: offset, count: count, to: socket)
    if sent == 0 { isWritable = false }
    return sent
  }

  /// Tells the peer that nothing more will come.
  public mutating func endSending() {
    if !channel.isEmpty { return endSendingSecurely() }
    Syscalls.shutdown(socket, .writing)
  }

  /// The end has been taken notice of: there is nothing more to read.
  public mutating func endReading() { isReadable = false }
}
