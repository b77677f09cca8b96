/// The preconditions of a request (RFC 9110 §13): where the fields that state them stand among
/// the bytes of its head.
public struct Conditions: Equatable, Sendable {
  public var ifMatch: Range<Int>?
  public var ifUnmodifiedSince: Range<Int>?
  public var ifNoneMatch: Range<Int>?
  public var ifModifiedSince: Range<Int>?
  public var ifRange: Range<Int>?

  public init() {}

  public enum Outcome: Equatable, Sendable {
    /// Answer as if there were no condition.
    case holds
    /// 304 (RFC 9110 §15.4.5).
    case notModified
    /// 412 (RFC 9110 §15.5.13).
    case failed
  }

  /// Whose reading of the conditions.
  public enum Rules: Sendable {
    /// The order of RFC 9110 §13.2.2: tags stand above dates, dates that are none are ignored.
    case standard
    /// nginx 1.22: every condition counts. A date that is none fails its condition, and
    /// If-Modified-Since holds unless the date is the very one of the file (nginx:
    /// `if_modified_since exact`), so that a file put back to an older one is seen as new.
    case nginx
  }

  /// Judges a GET or HEAD.
  ///
  /// - Parameters:
  ///   - bytes: what the places refer to.
  ///   - tag: the representation's, quotes included.
  ///   - modified: when it was last changed.
  public func evaluate(
    in bytes: Span<UInt8>, tag: Span<UInt8>, modified: HTTPDate, rules: Rules
  ) -> Outcome {
    if let ifMatch, !EntityTag.isListed(tag, in: bytes.extracting(ifMatch), by: .strong) {
      return .failed
    }
    if let ifUnmodifiedSince, rules == .nginx || ifMatch == nil {
      if let date = HTTPDate.parse(bytes.extracting(ifUnmodifiedSince)) {
        if modified > date { return .failed }
      } else if rules == .nginx {
        return .failed
      }
    }

    var isUnmodified = false
    if let ifNoneMatch {
      guard EntityTag.isListed(tag, in: bytes.extracting(ifNoneMatch), by: .weak) else {
        return .holds
      }
      isUnmodified = true
    }
    if let ifModifiedSince, rules == .nginx || ifNoneMatch == nil {
      let date = HTTPDate.parse(bytes.extracting(ifModifiedSince))
      switch rules {
      case .standard: isUnmodified = date.map { modified <= $0 } ?? false
      case .nginx:
        guard date == modified else { return .holds }
        isUnmodified = true
      }
    }
    return isUnmodified ? .notModified : .holds
  }

  /// Whether a Range field counts: without If-Range always, with it only for the very same
  /// representation, by a strong tag or by its exact date (RFC 9110 §13.1.5).
  public func rangeApplies(in bytes: Span<UInt8>, tag: Span<UInt8>, modified: HTTPDate) -> Bool {
    guard let ifRange else { return true }
    let field = bytes.extracting(ifRange)
    guard field.count > 1, field[field.count - 1] == UInt8(ascii: "\"") else {
      return HTTPDate.parse(field) == modified
    }
    guard field.count == tag.count, tag[0] == UInt8(ascii: "\"") else { return false }
    for i in tag.indices where field[i] != tag[i] { return false }
    return true
  }
}
