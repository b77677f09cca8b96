public import Memory
import Reactor
import Synchronization

/// A question on its way to a file thread, and back to who asked with what the disk said.
public final class FileLookup: Sendable {
  public let question: FileQuestion
  private let findings = Mutex<FileFindings?>(nil)
  private let done: @Sendable (FileLookup) -> Void

  /// - Parameter done: called on the thread that has found out.
  public init(_ question: FileQuestion, done: @escaping @Sendable (FileLookup) -> Void) {
    self.question = question
    self.done = done
  }

  /// Finds out, on this thread. For those who have time.
  public func run() {
    var finder = FileFinder()
    run(&finder)
  }

  func run(_ finder: inout FileFinder) { tell(finder.answer(question)) }

  func fail(_ error: SystemError) { tell(FileFindings(error: error)) }

  private func tell(_ found: consuming FileFindings) {
    var found: FileFindings? = consume found
    findings.withLock { $0 = found.take() }
    done(self)
  }

  /// What was found, once.
  func take() -> FileFindings? { findings.withLock { $0.take() } }
}

/// A piece of a file on its way into memory.
public final class FileRead: Sendable {
  private struct Work: ~Copyable {
    var file: OpenFile?
    var bytes = ByteBuffer()
  }

  /// Whose response it is for.
  public let owner: Handle
  private let crew: FileCrew?
  private let offset: Int
  private let count: Int
  private let work: Mutex<Work>
  private let done: @Sendable (FileRead) -> Void

  /// - Parameters:
  ///   - count: 1 … `FileThreads.pieceBytes`.
  ///   - done: called on the thread that has read.
  public init(
    _ file: OpenFile, from offset: Int, count: Int, for owner: Handle,
    done: @escaping @Sendable (FileRead) -> Void
  ) {
    self.owner = owner
    self.offset = offset
    self.count = count
    self.done = done
    crew = file.crew
    work = Mutex(Work(file: file))
  }

  /// Reads some time, on a thread of the file's directory.
  public func start() { crew?.read(self) }

  func run() {
    work.withLock { work in
      guard let file = work.file.take(), var bytes = crew?.pieces.take() else { return }
      bytes.clear(reserving: bytes.capacity - count)
      // Nothing read says enough: the response cannot go on.
      _ = try? file.readSome(at: offset, into: &bytes)
      work.bytes = bytes
    }
    done(self)
  }

  /// It cannot be read at all.
  func fail() { done(self) }

  /// What was read, once, in one of the pool's buffers if it has room. It is empty when the file
  /// could not be read, or ends before the piece.
  public func take() -> ByteBuffer { work.withLock { $0.bytes.take() } }
}
