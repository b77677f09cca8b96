public import HTTP

/// What a file server wants to know of a request: its method, and where the fields that matter
/// stand among the bytes of its head.
public struct FileRequest: Equatable, Sendable {
  public var method: Method
  public var conditions = Conditions()
  public var range: Range<Int>?
  /// Nil also when the client must not get a coded body.
  public var acceptEncoding: Range<Int>?
  /// The host that is asked for, without port, for routes whose candidates name it.
  public var host: Range<Int>?

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
    host = head.hostName.range
  }
}
