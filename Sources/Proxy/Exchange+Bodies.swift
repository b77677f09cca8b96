import HTTP
import Memory
import Reactor

// The compiler holds a span to the whole of what it was taken from. So whoever reads one buffer
// of an exchange and writes another hands both to a function that knows nothing of the rest.

extension Exchange {
  /// Moves what has come of the request's body behind the head into the store.
  ///
  /// - Parameter room: what the store has room for.
  /// - Returns: how many bytes were moved or passed over.
  mutating func storeRequestBody(room: Int) throws(Malformed) -> Int {
    let moved = try Self.move(
      &requestBody, from: request, at: headLength, into: &requestStore, room: room,
      counting: &bytesIn)
    request.remove(at: headLength, count: moved)
    return moved
  }

  /// Reads a piece of a body of known length straight into the store.
  ///
  /// - Parameter room: what the store has room for.
  mutating func receiveRequestBody(from client: inout Transport, room: Int) -> Transport.Reading {
    let left = requestBody.left
    let most = min(room, Int(clamping: left), BodyStore.pieceBytes)
    let (reading, count) = requestStore.receive(from: &client, atMost: most)
    bytesIn += UInt64(count)
    requestBody = left == UInt64(count) ? .none : .length(left - UInt64(count))
    return reading
  }

  private static func move(
    _ body: inout BodyReader, from request: borrowing ByteBuffer, at head: Int,
    into store: inout BodyStore, room: Int, counting total: inout UInt64
  ) throws(Malformed) -> Int {
    let bytes = request.readable.extracting(droppingFirst: head)
    switch body {
    case .none, .untilClose:
      return 0
    case .length(let left):
      let count = min(bytes.count, room, Int(clamping: left))
      store.append(bytes.extracting(first: count))
      total += UInt64(count)
      body = left == UInt64(count) ? .none : .length(left - UInt64(count))
      return count
    case .chunked(var decoder):
      // Data is never longer than what it is decoded from. Trailers take no room, and a line of
      // them is read whole or not at all: they must not wait for room that nobody makes.
      let window =
        decoder.isPastData ? bytes : bytes.extracting(first: min(bytes.count, room))
      var position = 0
      while true {
        switch try decoder.next(window, at: &position) {
        case .data(let data):
          store.append(window.extracting(data.range))
          total += UInt64(data.count)
        // The length of a body that is held goes in front of it: no place is left for trailers,
        // and a server that is sent the body as it comes does without them as well.
        case .trailer: continue
        case .needsMore:
          body = .chunked(decoder)
          return position
        case .end:
          body = .none
          return position
        }
      }
    }
  }

  /// Makes a chunk of the next piece of the request's body; false when there is
  /// none.
  mutating func fillChunk() throws(SystemError) -> Bool {
    try requestStore.writeChunk(to: &chunk)
  }

  /// Sends the head for the server and the body that stands behind the client's own head with
  /// one call; answers whether all of both has gone.
  @inline(__always) mutating func sendRequestHead(
    to server: inout Transport
  ) throws(SystemError) -> Bool {
    let bodyLeft = inlineBody - inlineSent
    guard bodyLeft > 0 else {
      _ = try server.send(&input)
      return input.isEmpty
    }
    let start = headLength + inlineSent
    let head = input.count
    let sent = try server.send(
      input.readable, request.written.extracting(start..<(start + bodyLeft)))
    input.consume(min(sent, head))
    inlineSent += max(sent - head, 0)
    return sent == head + bodyLeft
  }

  /// Sends the head, if it still waits, and the body in one call, from where they are; answers
  /// whether the client took anything.
  mutating func sendStraight(to client: inout Transport) throws(SystemError) -> Bool {
    var most = input.count
    if case .length(let left) = responseBody { most = min(most, Int(clamping: left)) }
    let waiting = output.count
    let sent = try client.send(output.readable, input.readable.extracting(first: most))
    bytesOut += UInt64(sent)
    output.consume(min(sent, waiting))
    let body = max(sent - waiting, 0)
    input.consume(body)
    if case .length(let left) = responseBody {
      responseBody = left == UInt64(body) ? .none : .length(left - UInt64(body))
    }
    return sent > 0
  }

  /// Moves a piece of the response's body from the input to the output, in the framing that the
  /// client gets; false when what is here is half of something.
  @inline(__always) mutating func encodeToOutput() throws(Malformed) -> Bool {
    try Self.encode(
      &responseBody, from: &input, as: encoding, trailers: &hasTrailers, into: &output)
  }

  /// The same into a buffer that is not the exchange's own.
  mutating func encode(into buffer: inout ByteBuffer) throws(Malformed) -> Bool {
    try Self.encode(
      &responseBody, from: &input, as: encoding, trailers: &hasTrailers, into: &buffer)
  }

  /// The room that framing needs beside a piece of a body.
  static let framingSpace = 64

  private static func encode(
    _ body: inout BodyReader, from input: inout ByteBuffer, as encoding: BodyEncoding,
    trailers: inout Bool, into output: inout ByteBuffer
  ) throws(Malformed) -> Bool {
    switch body {
    case .none:
      return true
    case .length(let left):
      let count = min(input.count, output.space, Int(clamping: left))
      output.append(input.readable.extracting(first: count))
      input.consume(count)
      body = left == UInt64(count) ? .none : .length(left - UInt64(count))
      return true
    case .untilClose:
      let count = min(input.count, output.space - framingSpace)
      append(input.readable.extracting(first: count), encoding, to: &output)
      input.consume(count)
      return true
    case .chunked(var decoder):
      let position = try decode(
        &decoder, input, as: encoding, trailers: &trailers, into: &output)
      input.consume(position)
      body = decoder.isFinished ? .none : .chunked(decoder)
      return position > 0
    }
  }

  /// Answers how many bytes of `input` were read.
  private static func decode(
    _ decoder: inout ChunkedDecoder, _ input: borrowing ByteBuffer, as encoding: BodyEncoding,
    trailers: inout Bool, into output: inout ByteBuffer
  ) throws(Malformed) -> Int {
    let bytes = input.readable.extracting(
      first: min(input.count, output.space - framingSpace))
    var position = 0
    while true {
      switch try decoder.next(bytes, at: &position) {
      case .data(let data):
        append(bytes.extracting(data.range), encoding, to: &output)
      case .trailer(let field):
        guard encoding == .chunked else { continue }
        if !trailers { output.append("0\r\n") }
        trailers = true
        var writer = HeadWriter()
        writer.copy(field, from: bytes, to: &output)
      case .needsMore:
        return position
      case .end:
        if encoding == .chunked { output.append(trailers ? "\r\n" : "0\r\n\r\n") }
        return position
      }
    }
  }

  private static func append(
    _ data: Span<UInt8>, _ encoding: BodyEncoding, to output: inout ByteBuffer
  ) {
    guard encoding == .chunked else { return output.append(data) }
    ChunkWriter.head(data.count, to: &output)
    output.append(data)
    ChunkWriter.end(to: &output)
  }
}
