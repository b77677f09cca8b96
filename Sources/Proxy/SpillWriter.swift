import Memory
public import Reactor
import Synchronization

/// A file without a name that holds what memory should not: gone with its last owner.
final class SpillFile: Sendable {
  let descriptor: Descriptor
  private let budget: SpillBudget
  private let reserved = Atomic<Int>(0)

  init(in directory: String, budget: SpillBudget) throws(SystemError) {
    descriptor = try Syscalls.namelessFile(in: directory)
    self.budget = budget
  }

  deinit { budget.release(reserved.load(ordering: .relaxed)) }

  /// False when the budget is spent.
  func reserve(_ bytes: Int) -> Bool {
    guard budget.reserve(bytes) else { return false }
    reserved.add(bytes, ordering: .relaxed)
    return true
  }
}

/// One piece of a body on its way into a spill file, and back to its worker when it is there.
final class SpillJob: Sendable {
  struct Work: ~Copyable {
    var bytes: ByteBuffer?
    var error: SystemError?
  }

  let file: SpillFile
  let offset: Int
  /// Whose body it is: the exchange, and which of its two bodies.
  let owner: Handle
  let isRequest: Bool
  private let mailbox: Mailbox
  private let work: Mutex<Work>

  init(
    file: SpillFile, offset: Int, bytes: consuming ByteBuffer, owner: Handle, isRequest: Bool,
    mailbox: Mailbox
  ) {
    self.file = file
    self.offset = offset
    self.owner = owner
    self.isRequest = isRequest
    self.mailbox = mailbox
    work = Mutex(Work(bytes: consume bytes, error: nil))
  }

  func run() {
    work.withLock { work in
      if let bytes = work.bytes.take() { work = write(bytes) }
    }
    mailbox.post(.spilled(self))
  }

  private func write(_ bytes: consuming ByteBuffer) -> Work {
    do throws(SystemError) {
      try Syscalls.write(bytes.readable, to: file.descriptor, at: offset)
      return Work(bytes: bytes, error: nil)
    } catch {
      return Work(bytes: bytes, error: error)
    }
  }

  /// What became of it; the buffer comes back with what was written still in it.
  func finish() -> Work {
    work.withLock { work in
      Work(bytes: work.bytes.take(), error: work.error)
    }
  }
}

/// The threads that write spill files, so that a slow disk holds up no loop.
public final class SpillWriter: Sendable {
  public let budget: SpillBudget
  let directory: String
  private let queue = WorkQueue<Work>()

  private enum Work: Sendable {
    case write(SpillJob)
    /// Freeing a big file's blocks takes the disk's time, too.
    case forget(SpillFile)
  }

  public init(
    directory: String, limit: Int, threads: Int = 2
  ) throws(SystemError) {
    budget = SpillBudget(limit: limit)
    self.directory = directory
    let queue = self.queue
    for i in 0..<threads {
      try Thread.start(name: "spill-\(i)") {
        while let work = queue.next() {
          if case .write(let job) = work { job.run() }
        }
      }
    }
  }

  deinit { queue.close() }

  func write(_ job: SpillJob) { queue.add(.write(job)) }
  func forget(_ file: SpillFile) { queue.add(.forget(file)) }
}
