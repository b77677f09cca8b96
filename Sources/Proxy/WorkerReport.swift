public import Balancing
public import Network
public import Reactor

/// What a worker has seen and an operator should read. The control thread writes it out.
public enum WorkerReport: Sendable {
  /// Live traffic has taken a server out of its pool, or brought it back.
  case server(pool: String, server: String, Balancer.Change)
  /// No connection to a server came about; told once a second at most.
  case unreachable(pool: String, server: String)
  /// A pool whose checks may pause has a request again.
  case active(pool: String)
  /// A file could not be read, for a reason that is not the request's.
  case file(path: String, SystemError)
  /// TLS with a server has come to nothing, for a reason in words.
  case tls(server: SocketAddress, problem: String)
}
