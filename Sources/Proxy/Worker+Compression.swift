import CLibraries
import HTTP
import Memory
import Reactor

// An answer of a server is compressed between what is decoded from the server and what is kept
// for the client: so the stream is free as soon as the server has finished. Only data passes
// through it; the end of a chunked body, with its trailers, goes the way of every body.

extension Worker {
  /// Whether the client takes gzip, noted while its head is at hand.
  mutating func noteGzip(_ exchange: Handle) {
    exchanges[exchange].facts.takesGzip = GzipRule.isTaken(
      by: requestHead, in: exchanges[exchange].request.written)
  }

  /// Decides whether the answer whose head stands in `responseHead` is compressed.
  mutating func chooseCompression(_ exchange: Handle) {
    exchanges[exchange].gzip = .untouched
    guard isEligible(exchange) else { return }
    exchanges[exchange].gzip = .varied
    guard exchanges[exchange].facts.takesGzip else { return }
    // HEAD is told what GET would be.
    if exchanges[exchange].facts.method == .head {
      exchanges[exchange].gzip = .compressed
      return
    }
    let level = generations[exchanges[exchange].generation].snapshot.gzip.level
    guard !exchanges[exchange].responseBody.isDone, let stream = compressors.take(level) else {
      return
    }
    exchanges[exchange].compressor = stream
    exchanges[exchange].gzip = .compressed
    exchanges[exchange].encoding = .chunked
  }

  private func isEligible(_ exchange: Handle) -> Bool {
    generations[exchanges[exchange].generation].snapshot.gzip.rule.isEligible(
      responseHead, in: exchanges[exchange].input.readable)
  }

  /// Gives the stream back, if the exchange holds one.
  mutating func stopCompressing(_ exchange: Handle) {
    guard exchanges[exchange].compressor != .none else { return }
    compressors.give(exchanges[exchange].compressor)
    exchanges[exchange].compressor = .none
  }

  // MARK: The head

  /// Fields that do not hold for what the client gets.
  static var fieldsOfPlain: FieldNameSet { [.etag, .acceptRanges, .contentEncoding] }

  /// Says what became of the answer. nginx: `gzip_vary on`.
  ///
  /// - Parameter dropped: which of the server's fields do not go on.
  func appendGzipFields(
    _ exchange: Handle, dropped: FieldNameSet, _ writer: inout HeadWriter,
    to output: inout ByteBuffer
  ) {
    let bytes = exchanges[exchange].input.readable
    if dropped.contains(.vary) || !GzipRule.isVaried(responseHead.fields, in: bytes) {
      writer.field("Vary", "Accept-Encoding", to: &output)
    }
    guard exchanges[exchange].gzip == .compressed else { return }
    writer.field("Content-Encoding", "gzip", to: &output)
    guard !dropped.contains(.etag) else { return }
    var index = 0
    while let found = responseHead.fields.next(.etag, from: index) {
      index = found + 1
      let tag = bytes.extracting(responseHead.fields[found].value.range)
      guard responseHead.fields[found].isForwarded, let prefix = EntityTag.weakPrefix(for: tag)
      else { continue }
      writer.field("ETag", prefix: prefix, tag, to: &output)
    }
  }

  // MARK: The body

  /// Takes what is here of the body into the stream, as far as the turn's budget goes, and what
  /// comes out of it towards the client.
  mutating func compressBody(
    _ exchange: Handle, budget: inout Int
  ) throws(Malformed) -> Move {
    guard makeRoomForPiece(exchange) else { return .noRoom }
    let stream = exchanges[exchange].compressor
    let cost = compressors.streams[stream].level.pieceBytes
    let before = exchanges[exchange].input.count
    let isOver = try exchanges[exchange].feed(
      &compressors.streams[stream], most: max(budget, 1) * cost, into: &compressors.piece)
    let taken = before - exchanges[exchange].input.count
    budget -= (taken + cost - 1) / cost
    if isOver { endStream(exchange) }
    if compressors.piece.isEmpty, taken == 0, !isOver { return .needsMore }
    appendPiece(exchange)
    return .moved
  }

  /// The body has been read to its end: writes out what the stream still holds. False when the
  /// client must take something first.
  @inline(__always) mutating func finishCompressing(_ exchange: Handle) -> Bool {
    // No more rounds than what a stream holds has pieces: some 64 KiB at most.
    while exchanges[exchange].compressor != .none {
      guard makeRoomForPiece(exchange) else { return false }
      endStream(exchange)
      appendPiece(exchange)
    }
    return true
  }

  /// Ends the stream as far as the piece has room; when it has ended it is given back.
  private mutating func endStream(_ exchange: Handle) {
    let isDone = Self.finish(
      &compressors.streams[exchanges[exchange].compressor], into: &compressors.piece)
    guard isDone else { return }
    stopCompressing(exchange)
    // Where chunks come from the server, the last of them is still to be read.
    if exchanges[exchange].responseBody.isDone { exchanges[exchange].owesLastChunk = true }
  }

  /// The server has paused: a client that is to get everything at once gets what the stream
  /// holds. True when there is something to be sent now.
  ///
  /// Buffered answers are not flushed, as with nginx: each flush costs bytes, and servers that
  /// write in small pieces would cause many.
  mutating func flushPause(_ exchange: Handle) -> Bool {
    let stream = exchanges[exchange].compressor
    guard stream != .none, !exchanges[exchange].buffersResponse,
      compressors.streams[stream].holdsInput, makeRoomForPiece(exchange)
    else { return false }
    Self.flush(&compressors.streams[stream], into: &compressors.piece)
    appendPiece(exchange)
    return true
  }

  private static func finish(_ stream: inout GzipStream, into piece: inout ByteBuffer) -> Bool {
    var isDone = false
    piece.write { isDone = stream.finish(into: &$0) }
    return isDone
  }

  private static func flush(_ stream: inout GzipStream, into piece: inout ByteBuffer) {
    piece.write { _ = stream.flush(into: &$0) }
  }

  // MARK: Pieces

  /// Empties the piece and gives it as much room as there is for it on the way to the client;
  /// false when that is too little to be worth a chunk.
  private mutating func makeRoomForPiece(_ exchange: Handle) -> Bool {
    let room = roomForBody(exchange) - Exchange.framingSpace
    guard room >= GzipStream.flushSpace else { return false }
    let capacity = compressors.piece.capacity
    compressors.piece.clear(reserving: max(capacity - room, 0))
    return true
  }

  private mutating func roomForBody(_ exchange: Handle) -> Int {
    if exchanges[exchange].responseStore.isEmpty {
      buffers.equip(&exchanges[exchange].output)
      if exchanges[exchange].output.space < Self.copyLimit {
        exchanges[exchange].output.compact()
      }
      let room = exchanges[exchange].output.space
      if room >= Self.copyLimit || !exchanges[exchange].buffersResponse { return room }
    }
    guard exchanges[exchange].buffersResponse else { return 0 }
    if !exchanges[exchange].responseStore.isOpen { _ = openResponseStore(exchange) }
    return exchanges[exchange].responseStore.makeRoom(writer: environment.spill, pool: &pieces)
  }

  /// Sends the piece on its way, as a chunk.
  private mutating func appendPiece(_ exchange: Handle) {
    guard !compressors.piece.isEmpty else { return }
    let needed = compressors.piece.count + Exchange.framingSpace
    if exchanges[exchange].responseStore.isEmpty, exchanges[exchange].output.space >= needed {
      return Self.frame(compressors.piece, into: &exchanges[exchange].output)
    }
    scratch.clear()
    Self.frame(compressors.piece, into: &scratch)
    let fits = appendScratch(exchange)
    precondition(fits, "room was made above")
  }

  private static func frame(_ piece: borrowing ByteBuffer, into output: inout ByteBuffer) {
    ChunkWriter.head(piece.count, to: &output)
    output.append(piece.readable)
    ChunkWriter.end(to: &output)
  }
}

extension Exchange {
  /// Takes data of the body out of the input into a stream, until the input, `most` bytes of it
  /// or the room in `piece` are used up; answers whether the body has no more data.
  ///
  /// What follows the data of a chunked body stays in the input.
  mutating func feed(
    _ stream: inout GzipStream, most: Int, into piece: inout ByteBuffer
  ) throws(Malformed) -> Bool {
    try Self.feed(&responseBody, from: &input, most: most, to: &stream, into: &piece)
  }

  private static func feed(
    _ body: inout BodyReader, from input: inout ByteBuffer, most: Int,
    to stream: inout GzipStream, into piece: inout ByteBuffer
  ) throws(Malformed) -> Bool {
    let bytes = min(input.count, most)
    switch body {
    case .none:
      return true
    case .length(let left):
      let most = min(bytes, Int(clamping: left))
      let taken = compress(input.readable.extracting(first: most), by: &stream, into: &piece)
      input.consume(taken)
      body = left == UInt64(taken) ? .none : .length(left - UInt64(taken))
      return body.isDone
    case .untilClose:
      let taken = compress(input.readable.extracting(first: bytes), by: &stream, into: &piece)
      input.consume(taken)
      return false
    case .chunked(var decoder):
      var isOver = false
      let position = try decode(
        &decoder, input.readable.extracting(first: bytes), to: &stream, into: &piece, &isOver)
      input.consume(position)
      body = .chunked(decoder)
      return isOver
    }
  }

  /// Answers how many of `bytes` were read.
  private static func decode(
    _ decoder: inout ChunkedDecoder, _ bytes: Span<UInt8>, to stream: inout GzipStream,
    into piece: inout ByteBuffer, _ isOver: inout Bool
  ) throws(Malformed) -> Int {
    var position = 0
    while !decoder.isPastData {
      let before = decoder
      let start = position
      switch try decoder.next(bytes, at: &position) {
      case .data(let data):
        let taken = compress(bytes.extracting(data.range), by: &stream, into: &piece)
        guard taken < Int(data.count) else { continue }
        // The piece is full: what was not taken is to be read again.
        decoder = before
        position = start
        if taken > 0 {
          _ = try decoder.next(bytes.extracting(first: Int(data.start) + taken), at: &position)
        }
        return position
      case .needsMore:
        isOver = decoder.isPastData
        return position
      case .trailer, .end:
        // Not ours, and to be read again by who writes the end of the body.
        decoder = before
        isOver = true
        return start
      }
    }
    isOver = true
    return position
  }

  private static func compress(
    _ data: Span<UInt8>, by stream: inout GzipStream, into piece: inout ByteBuffer
  ) -> Int {
    var taken = 0
    piece.write { taken = stream.compress(data, into: &$0) }
    return taken
  }
}
