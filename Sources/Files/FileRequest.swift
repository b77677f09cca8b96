public import HTTP

/// What a file server wants to know of a request: its method, and where the fields that matter
/// stand among the bytes of its head. Whoever asks may have changed its mind about any of it.
public struct FileRequest: Equatable, Sendable {
  public var method: Method
  public var conditions = Conditions()
  public var range: Range<Int>?
  /// Nil also when the client must not get a coded body.
  public var acceptEncoding: Range<Int>?
  /// Whether the file's own Cache-Control stays out of the answer: somebody else has given one.
  public var omitsCacheControl = false

  public init(method: Method) {
    self.method = method
  }

  /// Of fields that come twice the first counts, as with nginx. Who speaks HTTP/1.0 gets no coded
  /// body (nginx: `gzip_http_version`).
  public init(_ head: borrowing RequestHead) {
    method = head.method
    conditions.ifMatch = head.fields.first(.ifMatch)?.value.range
    conditions.ifUnmodifiedSince = head.fields.first(.ifUnmodifiedSince)?.value.range
    conditions.ifNoneMatch = head.fields.first(.ifNoneMatch)?.value.range
    conditions.ifModifiedSince = head.fields.first(.ifModifiedSince)?.value.range
    conditions.ifRange = head.fields.first(.ifRange)?.value.range
    range = head.fields.first(.range)?.value.range
    if head.version == .http11 {
      acceptEncoding = head.fields.first(.acceptEncoding)?.value.range
    }
  }
}
