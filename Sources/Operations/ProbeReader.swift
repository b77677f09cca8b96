import Balancing
import Configuration
import HTTP
import Memory

/// What one check says about its server.
public enum ProbeResult: Equatable, Sendable {
  case success
  /// The server is well, its site is being maintained; the status that says so.
  case maintenance(Int)
  /// In words for the log, to follow "server … down: 3 checks failed: ".
  case failure(String)
  /// No answer in time, from a server that has as many requests as it takes: its workers are busy
  /// with what we sent them, which is no sign of death.
  case busy

  var finding: HealthMachine.Finding {
    switch self {
    case .success: .success
    case .maintenance: .maintenance
    case .failure: .failure
    case .busy: .inconclusive
    }
  }
}

/// Judges the answer to one check, as strictly as answers to clients are judged.
struct ProbeReader: ~Copyable {
  static let headLimits = HeadLimits(lineBytes: 4 << 10, headBytes: 16 << 10, fields: 100)
  /// How much of a body is searched for the text that it must contain.
  static let bodyBytesLimit = 64 << 10
  /// Answers of the 1xx class before the one that counts.
  static let interimLimit = 8

  private let status: [ClosedRange<Int>]
  private let maintenance: [ClosedRange<Int>]
  private let wanted: [UInt8]?
  private var head = ResponseHead()
  private var interims = 0
  private var hasHead = false
  private var framing = ResponseFraming.none
  private var remaining: UInt64 = 0
  private var chunks = ChunkedDecoder()
  private var body: [UInt8] = []

  init(_ check: HealthCheck) {
    status = check.status
    maintenance = check.maintenance
    wanted = check.body.map { Array($0.utf8) }
  }

  /// Takes what has come from the front of `input`; nil when more is needed.
  ///
  /// - Parameter isEnded: nothing more will come.
  mutating func read(_ input: inout ByteBuffer, isEnded: Bool) -> ProbeResult? {
    do throws(Malformed) {
      if !hasHead {
        if let result = try readHead(&input) { return result }
        guard hasHead else { return isEnded ? .failure("closed without an answer") : nil }
      }
      return try readBody(&input, isEnded: isEnded)
    } catch {
      return .failure("answered what is not HTTP: \(error.reason)")
    }
  }

  private mutating func readHead(_ input: inout ByteBuffer) throws(Malformed) -> ProbeResult? {
    repeat {
      guard try parse(input) else { return nil }
      input.consume(head.length)
      interims += 1
      guard interims <= Self.interimLimit else { return .failure("answered 1xx without end") }
    } while head.isInterim
    hasHead = true
    let status = Int(head.status)
    guard self.status.contains(where: { $0.contains(status) }) else {
      let isMaintained = maintenance.contains { $0.contains(status) }
      return isMaintained ? .maintenance(status) : .failure("answered \(status)")
    }
    framing = head.framing
    if case .length(let length) = framing { remaining = length }
    return wanted == nil ? .success : nil
  }

  private mutating func parse(_ input: borrowing ByteBuffer) throws(Malformed) -> Bool {
    try head.parse(input.readable, limits: Self.headLimits, requestMethod: .get)
  }

  private mutating func readBody(
    _ input: inout ByteBuffer, isEnded: Bool
  ) throws(Malformed) -> ProbeResult? {
    let before = body.count
    let isWhole = try take(&input, isEnded: isEnded)
    if containsWanted(from: before) { return .success }
    if isWhole || body.count >= Self.bodyBytesLimit {
      return .failure("answered a body without the text that it must contain")
    }
    return isEnded ? .failure("closed in mid-answer") : nil
  }

  /// Moves bytes of the body out of `input`; true when the body has come to its end.
  private mutating func take(
    _ input: inout ByteBuffer, isEnded: Bool
  ) throws(Malformed) -> Bool {
    switch framing {
    case .none: return true
    case .length:
      let count = Int(min(UInt64(input.count), remaining))
      append(input, 0..<count)
      input.consume(count)
      remaining -= UInt64(count)
      return remaining == 0
    case .untilClose:
      append(input, 0..<input.count)
      input.clear()
      return isEnded
    case .chunked:
      var position = 0
      while true {
        switch try nextChunk(input, &position) {
        case .data(let slice): append(input, slice.range)
        case .trailer: break
        case .needsMore:
          input.consume(position)
          return false
        case .end: return true
        }
      }
    }
  }

  private mutating func nextChunk(
    _ input: borrowing ByteBuffer, _ position: inout Int
  ) throws(Malformed) -> ChunkedDecoder.Event {
    try chunks.next(input.readable, at: &position)
  }

  private mutating func append(_ input: borrowing ByteBuffer, _ range: Range<Int>) {
    let room = max(Self.bodyBytesLimit - body.count, 0)
    for i in range.prefix(room) { body.append(input.readable[i]) }
  }

  /// Whether the text stands in the body, of which the first `searched` bytes were searched.
  private func containsWanted(from searched: Int) -> Bool {
    guard let wanted else { return true }
    guard body.count >= wanted.count else { return false }
    let first = max(searched - wanted.count + 1, 0)
    for start in first...max(body.count - wanted.count, first) {
      guard start + wanted.count <= body.count else { return false }
      if body[start..<start + wanted.count].elementsEqual(wanted) { return true }
    }
    return false
  }
}
