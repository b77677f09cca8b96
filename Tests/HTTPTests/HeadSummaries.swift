import HTTP

/// What a parsed head says, in values that can be compared and shown.
struct FieldSummary: Equatable, CustomStringConvertible {
  var name: String
  var value: String
  var id = FieldName.other
  var isHopByHop = false
  var isDropped = false

  var description: String {
    "\(name): \(value)\(isHopByHop ? " (hop)" : "")\(isDropped ? " (dropped)" : "")"
  }
}

struct RequestSummary: Equatable {
  var length = 0
  var method = Method.get
  var methodText = ""
  var target = ""
  var form = TargetForm.origin
  var path = ""
  var query: String?
  var version = Version.http11
  var host: String?
  var hostName = ""
  var framing = RequestFraming.none
  var isPersistent = false
  var expectsContinue = false
  var upgrade: String?
  var upgradesToWebSocket = false
  var fields: [FieldSummary] = []

  func field(_ name: String) -> FieldSummary? { fields.first { $0.name == name } }
}

struct ResponseSummary: Equatable {
  var length = 0
  var version = Version.http11
  var status: UInt16 = 0
  var reason = ""
  var framing = ResponseFraming.none
  var contentLength: UInt64?
  var isPersistent = false
  var isInterim = false
  var upgrade: String?
  var upgradesToWebSocket = false
  var fields: [FieldSummary] = []

  func field(_ name: String) -> FieldSummary? { fields.first { $0.name == name } }
}

extension [UInt8] {
  /// The text at a place; traps when the place is not within the bytes.
  func text(_ slice: Slice) -> String { String(decoding: self[slice.range], as: UTF8.self) }
}

extension RequestSummary {
  init(_ head: borrowing RequestHead, _ bytes: [UInt8]) {
    length = head.length
    method = head.method
    methodText = bytes.text(head.methodSlice)
    target = bytes.text(head.target)
    form = head.targetForm
    path = bytes.text(head.path)
    query = head.query.map { bytes.text($0) }
    version = head.version
    host = head.host.map { bytes.text($0) }
    hostName = bytes.text(head.hostName)
    framing = head.framing
    isPersistent = head.isPersistent
    expectsContinue = head.expectsContinue
    upgrade = head.upgrade.map { bytes.text($0) }
    upgradesToWebSocket = head.upgradesToWebSocket
    fields = summaries(head.fields, bytes)
  }
}

extension ResponseSummary {
  init(_ head: borrowing ResponseHead, _ bytes: [UInt8]) {
    length = head.length
    version = head.version
    status = head.status
    reason = bytes.text(head.reason)
    framing = head.framing
    contentLength = head.contentLength
    isPersistent = head.isPersistent
    isInterim = head.isInterim
    upgrade = head.upgrade.map { bytes.text($0) }
    upgradesToWebSocket = head.upgradesToWebSocket
    fields = summaries(head.fields, bytes)
  }
}

private func summaries(_ table: borrowing FieldTable, _ bytes: [UInt8]) -> [FieldSummary] {
  var all: [FieldSummary] = []
  for i in 0..<table.count {
    let field = table[i]
    all.append(
      FieldSummary(
        name: bytes.text(field.name), value: bytes.text(field.value), id: field.id,
        isHopByHop: field.isHopByHop, isDropped: field.isDropped))
  }
  return all
}

/// nil when the head is not all here.
func readRequest(
  _ bytes: [UInt8], limits: HeadLimits = HeadLimits()
) -> Result<RequestSummary?, Refusal> {
  Result { () throws(Refusal) in
    var head = RequestHead()
    return try head.parse(bytes.span, limits: limits) ? RequestSummary(head, bytes) : nil
  }
}

func readRequest(
  _ text: String, limits: HeadLimits = HeadLimits()
) -> Result<RequestSummary?, Refusal> {
  readRequest(Array(text.utf8), limits: limits)
}

/// nil when the head is not all here.
func readResponse(
  _ bytes: [UInt8], to method: Method = .get, limits: HeadLimits = HeadLimits()
) -> Result<ResponseSummary?, Malformed> {
  Result { () throws(Malformed) in
    var head = ResponseHead()
    let isWhole = try head.parse(bytes.span, limits: limits, requestMethod: method)
    return isWhole ? ResponseSummary(head, bytes) : nil
  }
}

func readResponse(
  _ text: String, to method: Method = .get, limits: HeadLimits = HeadLimits()
) -> Result<ResponseSummary?, Malformed> {
  readResponse(Array(text.utf8), to: method, limits: limits)
}

extension Result {
  var failure: Failure? {
    guard case .failure(let failure) = self else { return nil }
    return failure
  }
}
