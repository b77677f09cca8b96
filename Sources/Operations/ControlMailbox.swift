public import Proxy
public import Reactor
import Synchronization

/// What other threads tell the control thread.
public final class ControlMailbox: Sendable {
  public enum Message: Sendable {
    /// As SIGTERM: end in good order, or at once when told again.
    case terminate
    /// As SIGINT: the same without the lame duck's time.
    case interrupt
    /// As SIGHUP: read the configuration again.
    case reload
    /// As SIGUSR1: open the files of logs again.
    case reopenLogs
    /// A worker has seen something that an operator should read.
    case report(WorkerReport)
    /// A worker's loop has ended, in good order or not.
    case workerEnded(Int, SystemError?)
    /// Everything is in the access log.
    case logEnded
    /// Names have been looked up.
    case namesAnswered
    /// The configuration's files have been looked at.
    case looked(FileSights)
    /// The files of certificates have been looked at.
    case lookedAtCertificates(CertificateLook)
  }

  /// Reports beyond so many that wait are dropped: they repeat themselves.
  static let reportLimit = 256

  private let messages = Mutex<[Message]>([])
  let wakeup: Wakeup

  public init() throws(SystemError) { wakeup = try Wakeup() }

  /// Safe from any thread; never waits.
  public func post(_ message: Message) {
    let isFirst = messages.withLock { messages in
      if case .report = message, messages.count >= Self.reportLimit { return false }
      messages.append(message)
      return messages.count == 1
    }
    if isFirst { wakeup.wake() }
  }

  func takeAll() -> [Message] {
    wakeup.acknowledge()
    return messages.withLock { messages in
      defer { messages = [] }
      return messages
    }
  }
}
