/// How much of one body stays in memory. All sizes are in bytes.
public struct Buffering: Equatable, Sendable {
  /// A request body up to this size is held in memory; what exceeds it spills to a file.
  ///
  /// 4 KiB … 16 MiB. nginx: `client_body_buffer_size`.
  public var requestBytes = 64 << 10

  /// As much of a response body is held in memory while the client reads more slowly than the
  /// server writes; what exceeds it spills to a file.
  ///
  /// 4 KiB … 16 MiB. nginx: `proxy_buffers`.
  public var responseBytes = 256 << 10

  /// As much of a response may wait unsent in the kernel for one client.
  ///
  /// 16 KiB … 16 MiB; what a fast client over a long way needs is its bandwidth times the way.
  /// nginx: `listen … sndbuf`. HAProxy: `tune.sndbuf.client`.
  public var unsentBytes = 256 << 10

  public init() {}
}
