/// How files are kept in memory, and how the disk is asked for them.
public struct FileCacheSettings: Equatable, Sendable {
  /// How long a file is served from what is known of it before the disk is asked again; for as
  /// long again it still is, while the disk is being asked. That a file is missing, or must not be
  /// read, is believed for a second at most.
  ///
  /// 100 ms … 1 min. nginx: `open_file_cache_valid`, `open_file_cache_errors`.
  public var freshness: Duration = .seconds(1)

  /// Content of files in memory, of all workers together, compressed content included. In bytes.
  ///
  /// 1 MiB … 64 GiB. nginx leaves it to the kernel.
  public var memoryBytes = 64 << 20

  /// Threads that ask the disk for the files of one directory (`root`, `alias`), at most; they
  /// come when there is something to ask.
  ///
  /// 1 … 64. nginx: `thread_pool … threads=`.
  public var threads = 4

  /// Questions that may wait for a thread of one directory; then requests are answered 503.
  ///
  /// 1 … 1,000,000. nginx: `thread_pool … max_queue=`.
  public var waiting = 1024

  /// How long a request waits for the disk before it is answered 504, or a response for its next
  /// piece before it is cut.
  ///
  /// 100 ms … 1 h. nginx waits for ever.
  public var timeout: Duration = .seconds(30)

  public init() {}
}

extension FileCacheSettings {
  static let declaration = Declaration(blank: FileCacheSettings()) {
    Key(
      "freshness", \.freshness, .duration(.milliseconds(100) ... .seconds(60)),
      synonyms: ["open_file_cache_valid", "open_file_cache_errors", "valid", "ttl"],
      "How long a file is served before the disk is asked again; as long again while it is asked.")
    Key(
      "memory", \.memoryBytes, .size(1 << 20...64 << 30), synonyms: ["size", "bytes", "content"],
      "Content of files in memory, of all workers together.")
    Key(
      "threads", \.threads, .integer(1...64), synonyms: ["thread_pool", "aio"],
      "Threads that ask the disk for the files of one directory, at most.")
    Key(
      "waiting", \.waiting, .integer(1...1_000_000), synonyms: ["max_queue", "queue"],
      "Questions that may wait for a thread of one directory; then 503.")
    Key(
      "timeout", \.timeout, .duration(.milliseconds(100) ... .seconds(3600)),
      "How long a request waits for the disk (504), or a response for more of its file (cut).")
  }
}
