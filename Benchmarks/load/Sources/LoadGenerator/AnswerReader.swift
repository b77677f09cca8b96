public import HTTP
public import Memory

/// What is kept of an answer.
public struct Answer: Equatable, Sendable {
  public var status: UInt16 = 0
  /// As it came, compressed or not; chunk sizes not counted.
  public var bodyBytes: UInt64 = 0
  public var isCompressed = false
  /// The connection can be asked again.
  public var isPersistent = false
  /// What it was asked to become.
  public var isWebSocket = false
}

/// Reads answers and counts their bodies, whatever the pieces they come in.
public struct AnswerReader: Sendable {
  private enum Stage {
    case head
    case length(UInt64)
    case chunks(ChunkedDecoder)
    case untilClose
  }

  private var stage = Stage.head
  private var answer = Answer()

  public init() {}

  /// All that comes before the end of the connection is the answer's.
  public var endsWithConnection: Bool {
    if case .untilClose = stage { true } else { false }
  }

  /// What has come so far of an answer that the end of the connection completes.
  public var unfinished: Answer { answer }

  /// Takes what has come of the answer to a request with `method`; what stays in `buffer` needs
  /// more behind it, or follows the answer.
  ///
  /// - Parameter head: room to parse in; it holds the answer's head when that was here in one
  ///   piece.
  /// - Returns: the answer when it is complete.
  public mutating func read(
    _ buffer: inout ByteBuffer, method: HTTP.Method, head: inout ResponseHead
  ) throws(Malformed) -> Answer? {
    while true {
      switch stage {
      case .head:
        guard
          try head.parse(buffer.readable, limits: HeadLimits(), requestMethod: method)
        else { return nil }
        begin(head, buffer.readable)
        buffer.skip(head.length)
        if head.isInterim { stage = .head } else if !head.framing.hasBody { return end() }
      case .length(let left):
        let count = min(left, UInt64(buffer.count))
        buffer.skip(Int(count))
        answer.bodyBytes += count
        guard count == left else {
          stage = .length(left - count)
          return nil
        }
        return end()
      case .chunks(var decoder):
        let (count, isComplete) = try pass(buffer.readable, &decoder)
        buffer.skip(count)
        guard isComplete else {
          stage = .chunks(decoder)
          return nil
        }
        return end()
      case .untilClose:
        answer.bodyBytes += UInt64(buffer.count)
        buffer.skip(buffer.count)
        return nil
      }
    }
  }

  private mutating func begin(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) {
    answer = Answer(
      status: head.status, isCompressed: Self.isCompressed(head, bytes),
      isPersistent: head.isPersistent, isWebSocket: head.upgradesToWebSocket)
    switch head.framing {
    case .none: stage = .length(0)
    case .length(let count): stage = .length(count)
    case .chunked: stage = .chunks(ChunkedDecoder())
    case .untilClose: stage = .untilClose
    }
  }

  private mutating func pass(
    _ bytes: Span<UInt8>, _ decoder: inout ChunkedDecoder
  ) throws(Malformed) -> (count: Int, isComplete: Bool) {
    var position = 0
    while true {
      switch try decoder.next(bytes, at: &position) {
      case .data(let slice): answer.bodyBytes += UInt64(slice.count)
      case .trailer: break
      case .needsMore: return (position, false)
      case .end: return (position, true)
      }
    }
  }

  private mutating func end() -> Answer {
    stage = .head
    return answer
  }

  private static func isCompressed(
    _ head: borrowing ResponseHead, _ bytes: Span<UInt8>
  ) -> Bool {
    guard let field = head.fields.first(.contentEncoding) else { return false }
    return !field.value.isEmpty
  }
}
