/// The most that a client or a server may ask of this process. All sizes are in bytes.
public struct Limits: Equatable, Sendable {
  /// The longest request line, its CRLF included; a longer one is answered 414.
  ///
  /// 256 B … 1 MiB. nginx: `large_client_header_buffers`.
  public var requestLineBytes = 8 << 10

  /// The largest request head, its request line included; a larger one is answered 431.
  ///
  /// 1 KiB … 1 MiB. nginx: `large_client_header_buffers`. HAProxy: `tune.bufsize`.
  public var headBytes = 32 << 10

  /// The most fields in a head, a request's or a response's; more are answered 431 (502).
  ///
  /// 10 … 1000. gunicorn takes 100. HAProxy: `tune.http.maxhdr`.
  public var headFields = 100

  /// The largest request body; a larger one is answered 413. 0 is no limit.
  ///
  /// A route may have its own (`body_limit`). nginx: `client_max_body_size`.
  public var bodyBytes = 50 << 20

  /// The largest response head of a server; a larger one is answered 502.
  ///
  /// 1 KiB … 1 MiB. nginx: `proxy_buffer_size`.
  public var responseHeadBytes = 64 << 10

  /// The most client connections of the process; further ones are answered 503 and closed.
  ///
  /// 1 … 1,000,000. nginx: `worker_connections` (there per worker). HAProxy: `maxconn`.
  public var connections = 20_000

  /// The most that all spilled bodies together may take on disk. When it is spent, bodies
  /// stream instead. 0 spills nothing.
  ///
  /// nginx: `proxy_max_temp_file_size` (there per response).
  public var spillBytes = 512 << 20

  /// Where spilled bodies are kept; the files have no names.
  ///
  /// nginx: `client_body_temp_path`, `proxy_temp_path`.
  public var spillDirectory = "/tmp"

  public init() {}
}

extension Limits {
  static let declaration = Declaration(blank: Limits()) {
    Key(
      "request_line", \.requestLineBytes, .size(256...1 << 20), synonyms: ["uri", "url", "line"],
      "The longest request line; a longer one is answered 414.")
    Key(
      "head", \.headBytes, .size(1 << 10...1 << 20),
      synonyms: ["large_client_header_buffers", "header", "headers"],
      "The largest request head; a larger one is answered 431.")
    Key(
      "head_fields", \.headFields, .integer(10...1000), synonyms: ["header_count", "maxhdr"],
      "The most headers of a request (431) or a response (502).")
    Key(
      "body", \.bodyBytes, .size(0...Int.max), synonyms: ["client_max_body_size", "max_body"],
      "The largest request body; a larger one is answered 413. 0 is no limit.")
    Key(
      "response_head", \.responseHeadBytes, .size(1 << 10...1 << 20),
      synonyms: ["proxy_buffer_size"],
      "The largest response head of a server; a larger one is answered 502.")
    Key(
      "connections", \.connections, .integer(1...1_000_000),
      synonyms: ["worker_connections", "maxconn", "max_connections"],
      "The most client connections of the process; further ones are answered 503.")
    Key(
      "spill", \.spillBytes, .size(0...Int.max),
      synonyms: ["proxy_max_temp_file_size", "disk", "temp"],
      "The most that all bodies together take on disk; then bodies stream. 0 spills nothing.")
    Key(
      "spill_directory", \.spillDirectory, .filePath,
      synonyms: ["client_body_temp_path", "proxy_temp_path", "temp_directory"],
      "Where bodies are kept that exceed their memory; the files have no names.")
  }
}
