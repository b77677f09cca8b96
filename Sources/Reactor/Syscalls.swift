internal import CLinux
public import Memory
public import Network

/// The one door to the kernel: every system call of the product goes through here.
///
/// What a loop expects is a value; the rest is thrown, typed.
public enum Syscalls {
  /// Answers a count, or throws what -errno says.
  static func check(_ result: Int, _ call: StaticString) throws(SystemError) -> Int {
    guard result < 0 else { return result }
    throw SystemError(call: call, errno: CInt(-result))
  }

  @discardableResult
  static func check(_ result: CInt, _ call: StaticString) throws(SystemError) -> CInt {
    guard result < 0 else { return result }
    throw SystemError(call: call, errno: -result)
  }

  // MARK: Bytes of a stream

  /// What one `recv` can mean to the loop.
  public enum Received: Equatable, Sendable {
    case bytes(Int)
    case endOfStream, wouldBlock
  }

  /// Appends what the peer sent to `buffer`, up to its capacity.
  public static func receive(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer
  ) throws(SystemError) -> Received {
    try receive(from: socket, into: &buffer, atMost: buffer.space)
  }

  /// Appends what the peer sent to `buffer`, up to `most` bytes, which is not more than its space.
  public static func receive(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer, atMost most: Int
  ) throws(SystemError) -> Received {
    precondition(most > 0 && most <= buffer.space, "no space would read as end of stream")
    let fd = socket.number
    let result = unsafe buffer.fill { room in
      let n = unsafe clinux_recv(fd, room.baseAddress, most)
      return (count: max(n, 0), result: n)
    }
    return try received(result)
  }

  private static func received(_ result: Int) throws(SystemError) -> Received {
    switch result {
    case 1...: return .bytes(result)
    case 0: return .endOfStream
    case -Int(EAGAIN): return .wouldBlock
    default: throw SystemError(call: "recv", errno: CInt(-result))
    }
  }

  /// Appends what the peer sent to `buffer`, up to its capacity, and leaves it to be read again.
  public static func peek(
    from socket: borrowing Descriptor, into buffer: inout ByteBuffer
  ) throws(SystemError) -> Received {
    precondition(buffer.space > 0, "no space would read as end of stream")
    let fd = socket.number
    let result = unsafe buffer.fill { room in
      let n = unsafe clinux_peek(fd, room.baseAddress, room.count)
      return (count: max(n, 0), result: n)
    }
    return try received(result)
  }

  /// Whether a connection that should be silent is: false when its end or bytes have arrived.
  public static func isSilent(_ socket: borrowing Descriptor) -> Bool {
    var byte: UInt8 = 0
    return unsafe clinux_peek(socket.number, &byte, 1) == -Int(EAGAIN)
  }

  /// Sends from the front of `buffer` and consumes what the kernel took; 0 when it would block.
  ///
  /// - Parameter more: more is known to follow at once, so that a last short segment may wait.
  public static func send(
    _ buffer: inout ByteBuffer, to socket: borrowing Descriptor, more: Bool = false
  ) throws(SystemError) -> Int {
    let fd = socket.number
    let result = unsafe buffer.drain { bytes in
      let n = unsafe clinux_send(fd, bytes.baseAddress, bytes.count, more ? 1 : 0)
      return (count: max(n, 0), result: n)
    }
    return try sent(result)
  }

  /// Sends from the front of `bytes`; answers how many the kernel took, 0 when it would block.
  public static func send(
    _ bytes: Span<UInt8>, to socket: borrowing Descriptor, more: Bool = false
  ) throws(SystemError) -> Int {
    let fd = socket.number
    let result = unsafe bytes.withUnsafeBytes { bytes in
      unsafe clinux_send(fd, bytes.baseAddress, bytes.count, more ? 1 : 0)
    }
    return try sent(result)
  }

  /// Sends `first` and then `second` with one call; answers how many bytes of both were taken.
  public static func send(
    _ first: Span<UInt8>, _ second: Span<UInt8>, to socket: borrowing Descriptor,
    more: Bool = false
  ) throws(SystemError) -> Int {
    let fd = socket.number
    let result = unsafe first.withUnsafeBytes { first in
      unsafe second.withUnsafeBytes { second in
        unsafe clinux_send_pair(
          fd, first.baseAddress, first.count, second.baseAddress, second.count, more ? 1 : 0)
      }
    }
    return try sent(result)
  }

  /// Sends a piece of a file; answers how many bytes were taken, 0 when it would block, nil when
  /// the file ends before `offset`: it has been cut since it was looked at.
  public static func sendFile(
    _ file: borrowing Descriptor, from offset: Int, count: Int, to socket: borrowing Descriptor
  ) throws(SystemError) -> Int? {
    let result = clinux_sendfile(socket.number, file.number, Int64(offset), count)
    if result == 0 { return nil }
    return try sent(result)
  }

  // MARK: Pipes

  /// A pipe with room for `size` bytes, or for as many as the kernel gives.
  static func pipe(size: Int) throws(SystemError) -> Pipe {
    var ends = clinux_pipe_ends()
    let given = try check(unsafe clinux_pipe(&ends, CInt(clamping: size)), "pipe2")
    return Pipe(
      entrance: Descriptor(owning: ends.entrance), exit: Descriptor(owning: ends.exit),
      size: Int(given))
  }

  /// Moves up to `count` bytes from a socket into a pipe.
  static func splice(
    from socket: borrowing Descriptor, into pipe: borrowing Pipe, count: Int
  ) throws(SystemError) -> Received {
    let result = clinux_splice(socket.number, pipe.entrance.number, count)
    switch result {
    case 1...: return .bytes(result)
    case 0: return .endOfStream
    case -Int(EAGAIN): return .wouldBlock
    default: throw SystemError(call: "splice", errno: CInt(-result))
    }
  }

  /// Moves all that a pipe holds to a socket; answers how many bytes were taken, 0 when it would
  /// block.
  static func splice(
    from pipe: borrowing Pipe, to socket: borrowing Descriptor
  ) throws(SystemError) -> Int {
    try sent(clinux_splice(pipe.exit.number, socket.number, pipe.count))
  }

  private static func sent(_ result: Int) throws(SystemError) -> Int {
    if result >= 0 { return result }
    if result == -Int(EAGAIN) { return 0 }
    throw SystemError(call: "send", errno: CInt(-result))
  }

  // MARK: Sockets

  /// Which half of a connection ends.
  public enum Direction: Sendable { case reading, writing, both }

  public static func shutdown(_ socket: borrowing Descriptor, _ direction: Direction) {
    let how =
      switch direction {
      case .reading: SHUT_RD
      case .writing: SHUT_WR
      case .both: SHUT_RDWR
      }
    // A connection that the peer has reset already cannot be shut down: that is no news.
    _ = clinux_shutdown(socket.number, CInt(how))
  }

  /// A non-blocking TCP socket.
  public static func streamSocket(
    for address: IPAddress, isBlocking: Bool = false
  ) throws(SystemError) -> Descriptor {
    let fd = clinux_stream_socket(address.family == .v6 ? 1 : 0, isBlocking ? 1 : 0)
    return Descriptor(owning: try check(fd, "socket"))
  }

  public static func bind(
    _ socket: borrowing Descriptor, to address: SocketAddress
  ) throws(SystemError) {
    try check(clinux_bind(socket.number, address.kernel), "bind")
  }

  public static func listen(
    _ socket: borrowing Descriptor, backlog: Int
  ) throws(SystemError) {
    try check(clinux_listen(socket.number, CInt(clamping: backlog)), "listen")
  }

  /// Starts a connection; true when it stands at once, false when an event will tell.
  public static func connect(
    _ socket: borrowing Descriptor, to address: SocketAddress
  ) throws(SystemError) -> Bool {
    let result = clinux_connect(socket.number, address.kernel)
    // EINTR: the attempt goes on by itself (POSIX), as with EINPROGRESS.
    if result == -EINPROGRESS || result == -EINTR { return false }
    try check(result, "connect")
    return true
  }

  /// The error that ended a connection attempt, nil when it succeeded.
  public static func connectError(_ socket: borrowing Descriptor) -> SystemError? {
    let error = clinux_socket_error(socket.number)
    return error == 0 ? nil : SystemError(call: "connect", errno: abs(error))
  }

  public static func localAddress(
    _ socket: borrowing Descriptor
  ) throws(SystemError) -> SocketAddress {
    var address = clinux_address()
    try unsafe check(clinux_local_address(socket.number, &address), "getsockname")
    return SocketAddress(kernel: address)
  }

  /// A connection from a listener's backlog, or nil when nobody waits.
  public static func accept(
    from listener: borrowing Descriptor, peer: inout SocketAddress, isBlocking: Bool = false
  ) throws(SystemError) -> Descriptor? {
    var address = clinux_address()
    let fd = unsafe clinux_accept(listener.number, isBlocking ? 1 : 0, &address)
    switch fd {
    case 0...:
      peer = SocketAddress(kernel: address)
      return Descriptor(owning: fd)
    // The client gave up while it waited: the next one may be there (accept(2), Linux errors).
    case -EAGAIN, -ECONNABORTED, -EPROTO: return nil
    default: throw SystemError(call: "accept4", errno: -fd)
    }
  }

  /// What a socket can be told.
  public enum SocketOption: Sendable {
    case noDelay, reuseAddress, reusePort, versionSixOnly
    /// Bytes that may wait unsent in the kernel before the socket counts as full.
    case unsentLimit(Int)
    /// A listener hands a connection over when bytes have come by it, or after so many seconds
    /// without; with 0 as soon as it stands.
    case deferredAccept(seconds: Int)
    /// A close now resets the connection.
    case resetOnClose
  }

  /// A refusal is ignored where the option only tunes.
  public static func set(_ option: SocketOption, on socket: borrowing Descriptor) {
    let fd = socket.number
    switch option {
    case .noDelay: _ = clinux_set_option(fd, CInt(IPPROTO_TCP), TCP_NODELAY, 1)
    case .reuseAddress: _ = clinux_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)
    case .reusePort: _ = clinux_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    case .versionSixOnly: _ = clinux_set_option(fd, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1)
    case .unsentLimit(let bytes):
      _ = clinux_set_option(fd, CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, CInt(clamping: bytes))
    case .deferredAccept(let seconds):
      _ = clinux_set_option(fd, CInt(IPPROTO_TCP), TCP_DEFER_ACCEPT, CInt(clamping: seconds))
    case .resetOnClose: _ = clinux_reset_on_close(fd)
    }
  }

  /// How long a blocking socket waits for bytes, or for room to send.
  public static func setTimeouts(_ socket: borrowing Descriptor, milliseconds: Int) {
    _ = clinux_set_timeout(socket.number, SO_RCVTIMEO, Int64(milliseconds))
    _ = clinux_set_timeout(socket.number, SO_SNDTIMEO, Int64(milliseconds))
  }

  // MARK: Randomness, limits

  /// Four words nobody can guess: seeds.
  public static func randomWords() throws(SystemError) -> InlineArray<4, UInt64> {
    var words = InlineArray<4, UInt64>(repeating: 0)
    for i in words.indices {
      var word: UInt64 = 0
      try unsafe check(clinux_random(&word, 8), "getrandom")
      words[i] = word
    }
    return words
  }

  /// Raises the limit of open descriptors to what the system allows; answers the limit.
  public static func raiseDescriptorLimit() throws(SystemError) -> Int {
    var limit: UInt64 = 0
    try unsafe check(clinux_raise_descriptor_limit(&limit), "setrlimit")
    return Int(clamping: limit)
  }

  // MARK: Spill files

  /// A file without a name in `directory`: gone when its descriptor is.
  public static func namelessFile(in directory: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try unsafe check(clinux_nameless_file(directory), "open"))
  }

  /// Writes all of `bytes` at `offset`.
  public static func write(
    _ bytes: Span<UInt8>, to file: borrowing Descriptor, at offset: Int
  ) throws(SystemError) {
    let fd = file.number
    var done = 0
    while done < bytes.count {
      let n = unsafe bytes.withUnsafeBytes { bytes in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
        return unsafe clinux_pwrite(fd, rest.baseAddress, rest.count, Int64(offset + done))
      }
      done += try check(n, "pwrite")
    }
  }

  /// Appends `count` bytes that the file holds at `offset` to `buffer`.
  ///
  /// - Throws: EIO when the file ends before that.
  public static func read(
    _ file: borrowing Descriptor, at offset: Int, count: Int, into buffer: inout ByteBuffer
  ) throws(SystemError) {
    precondition(count <= buffer.space)
    let fd = file.number
    var done = 0
    while done < count {
      let n = unsafe buffer.fill { room in
        let n = unsafe clinux_pread(
          fd, room.baseAddress, count - done, Int64(offset + done))
        return (count: max(n, 0), result: n)
      }
      guard n != 0 else { throw SystemError(call: "pread", errno: SystemError.inputOutput) }
      done += try check(n, "pread")
    }
  }

  /// Appends to a log or a terminal: blocks until all is written.
  public static func writeAll(
    _ bytes: Span<UInt8>, to file: borrowing Descriptor
  ) throws(SystemError) {
    let fd = file.number
    var done = 0
    while done < bytes.count {
      let n = unsafe bytes.withUnsafeBytes { bytes in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
        return Int(unsafe clinux_write(fd, rest.baseAddress, rest.count))
      }
      done += try check(n, "write")
    }
  }
}

extension SocketAddress {
  init(kernel address: clinux_address) {
    let ip =
      address.is_v6 != 0
      ? IPAddress(v6High: address.high, low: address.low)
      : IPAddress(v4: UInt32(truncatingIfNeeded: address.low))
    self.init(ip, port: address.port)
  }

  var kernel: clinux_address {
    clinux_address(
      high: address.high, low: address.low, scope: 0, port: port,
      is_v6: address.family == .v6 ? 1 : 0)
  }
}
