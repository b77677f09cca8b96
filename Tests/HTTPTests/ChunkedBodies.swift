import HTTP

/// What came out of a chunked body.
struct DecodedBody: Equatable {
  var data: [UInt8] = []
  var trailers: [String] = []
  var fault: Fault?
  var isFinished = false
  /// Where the body ended.
  var length = 0
}

/// Decodes `bytes` that arrive in pieces which end at `cuts`.
func decode(_ bytes: [UInt8], cuts: [Int] = []) -> DecodedBody {
  var body = DecodedBody()
  var decoder = ChunkedDecoder()
  // What is here and not yet read, as a connection's buffer would hold it.
  var held: [UInt8] = []
  var read = 0
  for (start, end) in zip([0] + cuts, cuts + [bytes.count]) {
    held += bytes[start..<end]
    var position = 0
    do throws(Malformed) {
      events: while true {
        let before = position
        switch try decoder.next(held.span, at: &position) {
        case .data(let slice):
          precondition(slice.end == position && !slice.isEmpty)
          body.data += held[slice.range]
        case .trailer(let field):
          body.trailers.append(held.text(field.name) + ": " + held.text(field.value))
        case .needsMore:
          break events
        case .end:
          body.isFinished = true
          body.length = read + position
          return body
        }
        precondition(position > before, "no progress")
      }
    } catch {
      precondition(error.at >= 0 && error.at < held.count)
      body.fault = error.reason
      return body
    }
    held.removeFirst(position)
    read += position
  }
  return body
}
