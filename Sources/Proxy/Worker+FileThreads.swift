import Files
import HTTP
import Memory
import Reactor

// What the loop does not know of files, file threads find out, and what it must not read, they
// read: meanwhile exchanges wait.
extension Worker {
  /// An answer takes one question, unless what was known is given up just then; so many mean
  /// that the cache is under siege.
  private static let questionsLimit = 4

  /// Exchanges that have waited and go on in one turn: many may have waited for a share that
  /// answers again.
  static let waitersBudget = 256

  // MARK: Looking

  /// Has the disk asked for what the cache does not know; the exchange waits.
  mutating func lookForFile(
    _ exchange: Handle, _ request: FileRequest, route: Int, asked: Int
  ) {
    guard asked < Self.questionsLimit else {
      return refuse(exchange, status: 503, reason: .fileQueueFull, endsConnection: false)
    }
    let question = fileQuestion(exchange, request, route: route)
    guard fileWaiters.isAsked(question.key) || ask(question) else {
      return refuse(exchange, status: 503, reason: .fileQueueFull, endsConnection: false)
    }
    fileWaiters.add(exchange, to: question.key, living: exchanges)
    exchanges[exchange].fileWait = FileWait(
      question, request, type: Self.copy(mediaType), phase: exchanges[exchange].phase,
      asked: asked + 1)
    exchanges[exchange].phase = .looking
    setClientDeadline(exchanges[exchange].client, after: files(of: exchange).timeout)
    noticeHalfClose(exchange)
  }

  /// Has the disk asked for what is known, but not fresh; nobody waits.
  mutating func refreshFile(_ exchange: Handle, _ request: FileRequest, route: Int) {
    let question = fileQuestion(exchange, request, route: route)
    if !fileWaiters.isAsked(question.key) { _ = ask(question) }
  }

  /// Has what was compressed quickly compressed as well as can be; nobody waits.
  mutating func improveFile(_ exchange: Handle, _ request: FileRequest, route: Int) {
    let question = fileQuestion(exchange, request, route: route, isThorough: true)
    guard !fileWaiters.isAsked(question.key),
      environment.files.answerAtLeisure(lookup(question))
    else { return }
    fileWaiters.begin(question.key)
  }

  private func files(of exchange: Handle) -> Snapshot.FileSettings {
    generations[exchanges[exchange].generation].snapshot.files
  }

  private func fileQuestion(
    _ exchange: Handle, _ request: FileRequest, route: Int, isThorough: Bool = false
  ) -> FileQuestion {
    files.question(
      request, route: route, path: path.readable, site: site.readable, type: mediaType.readable,
      head: exchanges[exchange].request.readable, now: clock.now, isThorough: isThorough)
  }

  private static func copy(_ buffer: borrowing ByteBuffer) -> [UInt8] {
    let bytes = buffer.readable
    return bytes.indices.map { bytes[$0] }
  }

  /// False when too many questions wait already.
  private mutating func ask(_ question: FileQuestion) -> Bool {
    guard environment.files.answer(lookup(question), snapshot.files.threads) else { return false }
    fileWaiters.begin(question.key)
    return true
  }

  private func lookup(_ question: FileQuestion) -> FileLookup {
    let mailbox = environment.mailbox
    return FileLookup(question) { mailbox.post(.found($0)) }
  }

  /// A file thread has found out: those who waited go on.
  mutating func found(_ lookup: FileLookup) {
    let question = lookup.question
    let error = files.admit(lookup, now: clock.now)
    defer { files.release() }
    let waiters = fileWaiters.end(question.key)
    if let error {
      // Some descriptor may be worth less than this file.
      if error.isOutOfDescriptors, files.giveUpDescriptor(), ask(question) {
        for exchange in waiters where exchanges.contains(exchange) {
          fileWaiters.add(exchange, to: question.key, living: exchanges)
        }
        return
      }
      environment.report(.file(path: question.pathText, error))
    }
    for exchange in waiters {
      guard waitersLeft > 0 else {
        answered.append(AnsweredWaiter(exchange: exchange, hasFailed: error != nil))
        continue
      }
      waitersLeft -= 1
      goOn(exchange, hasFailed: error != nil)
    }
  }

  /// Goes on with those for whom the last turn had no time.
  @inline(__always) mutating func goOnWithFiles() {
    waitersLeft = Self.waitersBudget
    guard !answered.isEmpty else { return }
    let count = min(answered.count, waitersLeft)
    waitersLeft -= count
    let first = answered[..<count]
    answered.removeFirst(count)
    for waiter in first { goOn(waiter.exchange, hasFailed: waiter.hasFailed, isLate: true) }
  }

  /// - Parameter isLate: what was found out may not be known any more, and is asked once more
  ///   then, which counts against nobody.
  private mutating func goOn(_ exchange: Handle, hasFailed: Bool, isLate: Bool = false) {
    guard exchanges.contains(exchange), let wait = stopWaitingForFile(exchange) else { return }
    guard !hasFailed else {
      return refuse(exchange, status: 500, reason: .fileFailed, endsConnection: false)
    }
    serveFile(exchange, wait.request, asked: isLate ? wait.asked - 1 : wait.asked)
  }

  /// Puts an exchange back to where it began to wait, and everything that belongs to its request
  /// to where it stood.
  private mutating func stopWaitingForFile(_ exchange: Handle) -> FileWait? {
    guard let wait = exchanges[exchange].fileWait.take() else { return nil }
    exchanges[exchange].phase = wait.phase
    clients[exchanges[exchange].client].deadline.clear()
    wait.question.restore(path: &path, site: &site)
    mediaType.clear()
    let type = wait.type
    mediaType.append(type.span)
    parseHeadAgain(exchange)
    // The route that answers instead may put parts of the path into its own answer.
    matchAgain(exchange)
    return wait
  }

  mutating func fileLookupExpired(_ exchange: Handle) {
    guard !clients[exchanges[exchange].client].transport.isDone else {
      return clientGone(exchange)  // It has closed its side, and the moment's grace is over.
    }
    guard stopWaitingForFile(exchange) != nil else { return }
    refuse(exchange, status: 504, reason: .fileTimeoutLookup, endsConnection: false)
  }

  // MARK: Reading

  /// Pieces that slow clients may leave in memory; beyond, what they do not take is read again.
  private static let heldPiecesLimit = 64
  /// What is read at a time then.
  private static let smallPiece = 16 << 10

  /// Sends from the piece that is here; has the next one read when there is none. Answers how
  /// many bytes were taken, nil while a thread reads.
  mutating func sendFilePiece(
    _ exchange: Handle, of source: Handle, from offset: Int, count: Int
  ) throws(SystemError) -> Int? {
    guard !exchanges[exchange].filePiece.isEmpty else {
      if !exchanges[exchange].isReadingFile {
        beginReading(exchange, files[fileOf: source], from: offset, count: count)
      }
      return nil
    }
    let client = exchanges[exchange].client
    let sent = try clients[client].transport.send(&exchanges[exchange].filePiece)
    if exchanges[exchange].filePiece.isEmpty || heldFilePieces > Self.heldPiecesLimit {
      dropFilePiece(exchange)
    }
    return sent
  }

  private mutating func beginReading(
    _ exchange: Handle, _ file: OpenFile, from offset: Int, count: Int
  ) {
    let isCrowded = heldFilePieces >= Self.heldPiecesLimit
    let most = isCrowded ? Self.smallPiece : FileThreads.pieceBytes
    let mailbox = environment.mailbox
    let read = FileRead(file, from: offset, count: min(count, most), for: exchange) {
      mailbox.post(.read($0))
    }
    exchanges[exchange].isReadingFile = true
    setClientDeadline(exchanges[exchange].client, after: files(of: exchange).timeout)
    read.start()
  }

  /// A piece of a file is here, or cannot be had.
  mutating func readFile(_ read: FileRead) {
    let bytes = read.take()
    let exchange = read.owner
    guard exchanges.contains(exchange), exchanges[exchange].isReadingFile else {
      return environment.files.give(bytes)
    }
    exchanges[exchange].isReadingFile = false
    clients[exchanges[exchange].client].deadline.clear()
    guard !bytes.isEmpty else {
      // Cut since its length was announced, or not to be read: the client must not take it for
      // whole.
      environment.files.give(bytes)
      exchanges[exchange].reason = .fileCut
      return abandon(exchange)
    }
    heldFilePieces += 1
    exchanges[exchange].filePiece = bytes
    pumpResponse(exchange)
  }

  mutating func dropFilePiece(_ exchange: Handle) {
    guard exchanges[exchange].filePiece.capacity > 0 else { return }
    heldFilePieces -= 1
    environment.files.give(exchanges[exchange].filePiece.take())
  }
}
