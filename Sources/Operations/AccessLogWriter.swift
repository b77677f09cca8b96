public import Logging
public import Memory
public import Reactor
import Synchronization

/// The thread that writes the access log, so that no worker ever waits for a disk or for whoever
/// reads stdout.
///
/// Workers fill buffers with lines and submit them to `queue`. When the writer does not keep up,
/// the queue is full, and batches are dropped by those who submit them, who count the lines.
public final class AccessLogWriter: Sendable {
  public enum Destination: Equatable, Sendable {
    case standardOutput, standardError
    /// Appended to, created if missing.
    case file(String)
  }

  /// 32 batches of 64 KiB: 2 MiB wait at most, some 5,000 lines.
  public static let batchLimit = 32
  public static let batchBytes = 64 << 10

  public let queue: BatchQueue
  private let logger: Logger
  private let destination: Mutex<Destination>
  private let whenEnded: @Sendable () -> Void

  /// Opens the destination and starts the thread.
  ///
  /// - Parameter whenEnded: called on the writer's thread when, after `close`, all is written.
  public init(
    to destination: Destination, logger: Logger, batchLimit: Int = batchLimit,
    whenEnded: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    queue = BatchQueue(limit: batchLimit, bufferCapacity: Self.batchBytes)
    self.logger = logger
    self.destination = Mutex(destination)
    self.whenEnded = whenEnded
    let opened = Output(try Self.open(destination))
    try Thread.start(name: "access log") { self.run(opened.take()) }
  }

  /// Opens the file anew, as after its old one was renamed (logrotate), or another destination
  /// in its place. If that fails the old one goes on, and the log says why.
  public func reopen(_ other: Destination? = nil) {
    if let other { destination.withLock { $0 = other } }
    queue.nudge()
  }

  /// Takes no more; what waits is still written.
  public func close() { queue.close() }

  private func run(_ opened: consuming Descriptor) {
    var output = opened
    var isFailing = false
    while true {
      switch queue.next() {
      case .batch(let batch):
        do throws(SystemError) {
          try Self.append(batch, to: output)
          isFailing = false
        } catch {
          // Said once until it works again: a full disk would fill the other log as well.
          if !isFailing { logger.error("access log: lines are lost: \(error)") }
          isFailing = true
        }
        queue.give(batch)
      case .nudged:
        let path = destination.withLock { $0 }
        do throws(SystemError) {
          output = try Self.open(path)
          isFailing = false
        } catch {
          logger.error("access log: cannot open \(path): \(error); the old one goes on")
        }
      case .closed:
        whenEnded()
        return
      }
    }
  }

  private static func append(
    _ batch: borrowing ByteBuffer, to output: borrowing Descriptor
  ) throws(SystemError) {
    _ = try TextFile.append(batch.readable, to: output)
  }

  private static func open(_ destination: Destination) throws(SystemError) -> Descriptor {
    switch destination {
    case .standardOutput: try TextFile.open(.output)
    case .standardError: try TextFile.open(.error)
    case .file(let path): try TextFile.openToAppend(path)
    }
  }

  /// Carries a descriptor into the thread's closure, which cannot own one by itself.
  private final class Output: Sendable {
    private let descriptor: Mutex<Descriptor?>
    init(_ descriptor: consuming Descriptor) { self.descriptor = Mutex(descriptor) }

    func take() -> Descriptor {
      guard let taken = descriptor.withLock({ $0.take() }) else {
        preconditionFailure("the thread starts once")
      }
      return taken
    }
  }
}

extension AccessLogWriter.Destination: CustomStringConvertible {
  public var description: String {
    switch self {
    case .standardOutput: "stdout"
    case .standardError: "stderr"
    case .file(let path): path
    }
  }
}
