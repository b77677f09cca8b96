public import Reactor

/// How much one worker keeps of files, and for how long it believes what it knows.
public struct FileLimits: Equatable, Sendable {
  /// Files, siblings and missing files that are known at a time. nginx: `open_file_cache max`.
  public var entries = 4096
  /// Files that stay open though no response needs them just now.
  public var descriptors = 512
  /// Content in memory, that of responses under way included.
  public var contentBytes = 16 << 20
  /// The largest file whose content is kept in memory; larger ones stay open.
  public var contentBytesPerFile = 64 << 10
  /// The largest file that is also kept compressed; larger ones are sent as they are.
  public var compressibleBytes = 8 << 20
  /// How long after the disk has answered a file is served without asking again; for as long
  /// again it is served while the disk is being asked. nginx: `open_file_cache_valid`.
  public var freshness: Instant = 1_000_000_000
  /// How long a file that was not there or not readable is taken to be so, if `freshness` is not
  /// shorter; then the request waits for the disk. nginx: `open_file_cache_errors`.
  public var missingFreshness: Instant = 1_000_000_000
  /// Responses that may be under way at a time: as many as there may be connections.
  public var responses = 20_000
  /// Parts in one answer: see `ByteRanges.parse`. nginx: `max_ranges`.
  public var ranges = 200

  public init() {}
}

/// How much is kept now.
public struct FileUsage: Equatable, Sendable {
  /// Entries that can be found.
  public internal(set) var entries = 0
  /// Open files, those of responses under way included.
  public internal(set) var descriptors = 0
  /// Content in memory, that of responses under way included.
  public internal(set) var contentBytes = 0
  /// Entries that responses under way send from.
  public internal(set) var pinned = 0
}
