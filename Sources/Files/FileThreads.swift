public import Memory
import Reactor
import Synchronization

/// How much the threads of one directory may have to do.
public struct FileThreadLimits: Equatable, Sendable {
  /// Threads of one directory.
  public var threads = 4
  /// Questions that may wait for a thread of one directory.
  public var waiting = 1024

  public init() {}
}

/// The threads that ask the disk, shared by all workers, so that a slow file system holds up no
/// loop. Each directory of a route has a few of its own: one that hangs takes no others with it.
public final class FileThreads: Sendable {
  /// Bytes that are read at a time of a file on a remote file system.
  public static let pieceBytes = 128 << 10

  private let crews = Mutex<[[UInt8]: FileCrew]>([:])
  private let pieces = PiecePool()
  /// One thread for what nobody waits for, whatever the directory.
  private let improver: FileCrew

  public init() { improver = FileCrew("", pieces, isLast: true) }

  deinit {
    improver.end()
    crews.withLock { crews in for crew in crews.values { crew.end() } }
  }

  /// Answers a question that takes time and that nobody waits for, some time.
  ///
  /// - Returns: false when too many wait.
  public func answerAtLeisure(_ lookup: FileLookup) -> Bool {
    var limits = FileThreadLimits()
    limits.threads = 1
    return improver.answer(lookup, limits)
  }

  /// Answers a question some time, on a thread of its route's directory.
  ///
  /// - Returns: false when too many questions wait there.
  public func answer(_ lookup: FileLookup, _ limits: FileThreadLimits) -> Bool {
    let base = lookup.question.route.base
    let crew = crews.withLock { crews in
      if let crew = crews[base] { return crew }
      let crew = FileCrew(String(decoding: base, as: UTF8.self), pieces)
      crews[base] = crew
      return crew
    }
    return crew.answer(lookup, limits)
  }

  /// Lets go of directories that belong to none of `routes`, once nothing is under way there: who
  /// still asks for their files is answered all the same.
  public func keep(_ routes: [FileRoute]) {
    let bases = Set(routes.map(\.base))
    crews.withLock { crews in
      for (base, crew) in crews where !bases.contains(base) && crew.isIdle {
        crews[base] = nil
        crew.end()
      }
    }
  }

  /// Takes back the buffer of a piece that was read.
  public func give(_ buffer: consuming ByteBuffer) { pieces.give(buffer) }

  /// What the threads of one directory have done and have to do.
  public struct Usage: Sendable {
    public let directory: String
    /// Questions, reads and closes that are done, and the nanoseconds that they took together.
    public let done: Int
    public let busy: UInt64
    /// Questions that were refused because too many waited.
    public let refused: Int
    public let waiting: Int
  }

  /// By directory, in the order of their names.
  public var usage: [Usage] {
    crews.withLock { crews in Array(crews.values) }.map(\.usage)
      .sorted { $0.directory < $1.directory }
  }
}

/// Buffers for pieces of files, on their way between file threads and workers.
final class PiecePool: Sendable {
  private let pool = Mutex(
    BufferPool(bufferCapacity: FileThreads.pieceBytes, keptLimit: 32))

  func take() -> ByteBuffer { pool.withLock { $0.take() } }

  func give(_ buffer: consuming ByteBuffer) {
    var buffer = consume buffer
    pool.withLock { $0.strip(&buffer) }
  }
}

/// The threads of one directory.
final class FileCrew: Sendable {
  private enum Job: Sendable {
    case answer(FileLookup)
    case read(FileRead)
    case close(CInt)
  }

  private let directory: String
  let pieces: PiecePool
  /// Seconds that a thread waits for more to do.
  private let queue = CrewQueue<Job>(patience: 10)
  private let threads = Atomic<Int>(FileThreadLimits().threads)
  private let done = Atomic<Int>(0)
  private let busy = Atomic<UInt64>(0)
  private let refused = Atomic<Int>(0)

  /// Whether they work only when nobody else wants to, and little then.
  let isLast: Bool

  init(_ directory: String, _ pieces: PiecePool, isLast: Bool = false) {
    self.directory = directory
    self.pieces = pieces
    self.isLast = isLast
  }

  func end() { queue.close() }

  var isIdle: Bool { queue.isIdle }

  var usage: FileThreads.Usage {
    FileThreads.Usage(
      directory: directory, done: done.load(ordering: .relaxed),
      busy: busy.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed),
      waiting: queue.waiting)
  }

  func answer(_ lookup: FileLookup, _ limits: FileThreadLimits) -> Bool {
    threads.store(limits.threads, ordering: .relaxed)
    let isTaken = add(.answer(lookup), waiting: limits.waiting)
    if !isTaken { refused.add(1, ordering: .relaxed) }
    return isTaken
  }

  /// Of reads there is one for each response at most, of files to be closed no more than may be
  /// open: these have no other bound.
  func read(_ read: FileRead) { _ = add(.read(read), waiting: .max) }
  func close(_ number: CInt) { _ = add(.close(number), waiting: .max) }

  private func add(_ job: Job, waiting: Int) -> Bool {
    switch queue.add(job, threads: threads.load(ordering: .relaxed), waiting: waiting) {
    case .taken: return true
    case .takenByNewcomer: break
    case .refused: return false
    }
    do throws(SystemError) {
      try Thread.start(name: "files") { self.work() }
    } catch {
      for job in queue.newcomerFailed() {
        switch job {
        case .answer(let lookup): lookup.fail(error)
        case .read(let read): read.fail()
        case .close(let number): _ = Descriptor(owning: number)
        }
      }
    }
    return true
  }

  private func work() {
    if isLast { Thread.standBack() }
    var finder = FileFinder(crew: self)
    var isNew = true
    while let job = queue.next(isNew: isNew) {
      isNew = false
      let start = Clock.read().now
      switch job {
      case .answer(let lookup): lookup.run(&finder)
      case .read(let read): read.run()
      case .close(let number): _ = Descriptor(owning: number)
      }
      busy.add(Clock.read().now &- start, ordering: .relaxed)
      done.add(1, ordering: .relaxed)
    }
  }
}
