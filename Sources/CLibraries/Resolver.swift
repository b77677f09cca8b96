private import CCares
private import Glibc
public import Network

/// Why a name has no addresses now.
public enum ResolverError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name servers know no such name, or no address for it.
  case notFound
  case timedOut
  /// No name server could be reached.
  case noNameserver
  /// A name server refused, or its answer made no sense; in c-ares's words.
  case failed(String)

  public var description: String {
    switch self {
    case .notFound: "name not found"
    case .timedOut: "timed out"
    case .noNameserver: "no nameserver answers"
    case .failed(let reason): reason
    }
  }
}

/// Turns names into addresses as /etc/hosts, the name servers of /etc/resolv.conf and its search
/// list have them (c-ares).
///
/// A call waits for the network: it belongs on a thread of its own. What resolv.conf says is
/// read anew at each call, for it may change under a container.
public struct Resolver: Sendable {
  public struct Answer: Equatable, Sendable {
    /// Each address once, in the order of the answer; never empty.
    public let addresses: [IPAddress]
    /// How long the name servers let the answer be kept: the least over its records. Zero when
    /// none says, as for /etc/hosts; nil when the name was an address already.
    public let timeToLive: Duration?

    public init(addresses: [IPAddress], timeToLive: Duration?) {
      self.addresses = addresses
      self.timeToLive = timeToLive
    }
  }

  private let nameservers: [SocketAddress]

  /// - Parameter nameservers: asked instead of those of /etc/resolv.conf, unless empty.
  public init(nameservers: [SocketAddress] = []) {
    self.nameservers = nameservers
  }

  /// The IPv4 and IPv6 addresses of `name`; an address is its own answer.
  public func resolve(
    _ name: String, timeout: Duration
  ) throws(ResolverError) -> Answer {
    if let address = IPAddress(name) { return Answer(addresses: [address], timeToLive: nil) }
    let query = try Query(nameservers: nameservers, timeout: timeout)
    return try query.run(name)
  }
}

/// One channel of c-ares, used for one question.
@safe private final class Query {
  /// c-ares wants this once for the process and not from two threads at a time.
  private static let library = ares_library_init(ARES_LIB_INIT_ALL)

  private let channel: ares_channel
  private let end: ContinuousClock.Instant
  private var outcome: Result<Resolver.Answer, ResolverError>?

  init(nameservers: [SocketAddress], timeout: Duration) throws(ResolverError) {
    end = .now + timeout
    guard Query.library == ARES_SUCCESS else { throw Query.error(Query.library) }
    var options = unsafe ares_options()
    // One try may take half of the time, so that a second server gets its chance.
    let (seconds, attoseconds) = timeout.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    unsafe options.timeout = CInt(clamping: max(milliseconds / 2, 1))
    unsafe options.tries = 2
    var made: ares_channel?
    let status = unsafe ares_init_options(
      &made, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES)
    guard status == ARES_SUCCESS, let made = unsafe made else {
      throw Query.error(status)
    }
    unsafe channel = made
    guard !nameservers.isEmpty else { return }
    let list = nameservers.map(\.description).joined(separator: ",")
    let set = unsafe ares_set_servers_ports_csv(channel, list)
    guard set == ARES_SUCCESS else { throw Query.error(set) }
  }

  deinit { unsafe ares_destroy(channel) }

  func run(_ name: String) throws(ResolverError) -> Resolver.Answer {
    var hints = ares_addrinfo_hints()
    hints.ai_family = AF_UNSPEC
    hints.ai_flags = CInt(ARES_AI_NOSORT)
    // The callback runs within calls below, never after `ares_destroy`: `self` outlives it.
    let me = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe ares_getaddrinfo(
      channel, name, nil, &hints,
      { me, status, _, found in
        guard let me = unsafe me else { return }
        let query = unsafe Unmanaged<Query>.fromOpaque(me).takeUnretainedValue()
        unsafe query.finish(status, found)
      }, me)
    while outcome == nil, wait() {}
    guard let outcome else {
      unsafe ares_cancel(channel)
      throw .timedOut
    }
    return try outcome.get()
  }

  /// Waits for the sockets of the channel and lets it deal with them; false at the end of time.
  private func wait() -> Bool {
    let rest = end - .now
    guard rest > .zero else { return false }
    // c-ares tells up to ARES_GETSOCK_MAXNUM sockets and two bits for each.
    var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
    let wanted = unsafe ares_getsock(channel, &sockets, CInt(sockets.count))
    var polled: [pollfd] = []
    for (i, socket) in sockets.enumerated() {
      var events: Int16 = 0
      if wanted & (1 << i) != 0 { events |= Int16(POLLIN) }
      if wanted & (1 << (i + Int(ARES_GETSOCK_MAXNUM))) != 0 { events |= Int16(POLLOUT) }
      if events != 0 { polled.append(pollfd(fd: socket, events: events, revents: 0)) }
    }
    var most = timeval()
    let (seconds, attoseconds) = rest.components
    most.tv_sec = Int(seconds)
    most.tv_usec = Int(attoseconds / 1_000_000_000_000)
    var until = timeval()
    if let soonest = unsafe ares_timeout(channel, &most, &until) { unsafe most = soonest.pointee }
    let milliseconds = CInt(clamping: most.tv_sec * 1000 + most.tv_usec / 1000 + 1)
    let ready = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
    let none = ARES_SOCKET_BAD
    if ready <= 0 {
      unsafe ares_process_fd(channel, none, none)  // lets time-outs be noticed
    } else {
      for socket in polled where socket.revents != 0 {
        let canWrite = socket.revents & Int16(POLLOUT) != 0
        unsafe ares_process_fd(
          channel, socket.revents & ~Int16(POLLOUT) != 0 ? socket.fd : none,
          canWrite ? socket.fd : none)
      }
    }
    return true
  }

  private func finish(_ status: CInt, _ found: UnsafeMutablePointer<ares_addrinfo>?) {
    defer { unsafe ares_freeaddrinfo(found) }
    guard status == ARES_SUCCESS, let found = unsafe found else {
      outcome = .failure(Query.error(status))
      return
    }
    var addresses: [IPAddress] = []
    var seconds: CInt = .max
    var alias = unsafe found.pointee.cnames
    while let record = unsafe alias {
      seconds = min(seconds, unsafe record.pointee.ttl)
      unsafe alias = record.pointee.next
    }
    var node = unsafe found.pointee.nodes
    while let record = unsafe node {
      seconds = min(seconds, unsafe record.pointee.ai_ttl)
      if let address = unsafe Query.address(record.pointee), !addresses.contains(address) {
        addresses.append(address)
      }
      unsafe node = record.pointee.ai_next
    }
    outcome =
      addresses.isEmpty
      ? .failure(.notFound)
      : .success(.init(addresses: addresses, timeToLive: .seconds(Int(max(seconds, 0)))))
  }

  private static func address(_ node: ares_addrinfo_node) -> IPAddress? {
    guard let raw = unsafe UnsafeRawPointer(node.ai_addr) else { return nil }
    switch unsafe node.ai_family {
    case AF_INET where unsafe Int(node.ai_addrlen) >= MemoryLayout<sockaddr_in>.size:
      let address = unsafe raw.loadUnaligned(as: sockaddr_in.self)
      return IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr))
    case AF_INET6 where unsafe Int(node.ai_addrlen) >= MemoryLayout<sockaddr_in6>.size:
      guard let at = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) else { return nil }
      let high = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      let low = unsafe raw.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)
      return IPAddress(v6High: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    default:
      return nil
    }
  }

  private static func error(_ status: CInt) -> ResolverError {
    switch status {
    case ARES_ENOTFOUND, ARES_ENODATA, ARES_EBADNAME: .notFound
    case ARES_ETIMEOUT, ARES_ECANCELLED: .timedOut
    case ARES_ECONNREFUSED: .noNameserver
    default: .failed(unsafe String(cString: ares_strerror(status)))
    }
  }
}
