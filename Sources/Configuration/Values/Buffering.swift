/// How much of one body stays in memory. All sizes are in bytes.
public struct Buffering: Equatable, Sendable {
  /// A request body up to this size is held in memory. A longer one is spilled to a file, and so is
  /// one of more than 64 KiB whose length is not known, or where a worker has given room of this
  /// size to so many others that together it is 16 MiB.
  ///
  /// 4 KiB … 16 MiB. nginx: `client_body_buffer_size`.
  public var requestBytes = 2 << 20

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

extension Buffering {
  static let declaration = Declaration(blank: Buffering()) {
    Key(
      "request", \.requestBytes, .size(4 << 10...16 << 20),
      synonyms: ["client_body_buffer_size", "body"],
      "The largest request body that is held in memory; a larger one spills to a file.")
    Key(
      "response", \.responseBytes, .size(4 << 10...16 << 20), synonyms: ["proxy_buffers"],
      "What of a response body is held in memory for a slow client; the rest spills to a file.")
    Key(
      "unsent", \.unsentBytes, .size(16 << 10...16 << 20), synonyms: ["sndbuf"],
      "What of a response may wait unsent in the kernel for one client.")
  }
}
