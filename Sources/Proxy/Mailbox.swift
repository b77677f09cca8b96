public import Reactor
import Synchronization

/// What other threads tell a worker.
public final class Mailbox: Sendable {
  enum Message: Sendable {
    /// A new configuration, or new addresses: what begins now begins with it.
    case snapshot(Snapshot)
    /// Take no new connections; end those there are as their work ends.
    case drain
    /// End now, whatever is under way.
    case stop
    /// A piece of a body is in its file.
    case spilled(SpillJob)
  }

  private let messages = Mutex<[Message]>([])
  let wakeup: Wakeup

  public init() throws(SystemError) { wakeup = try Wakeup() }

  func post(_ message: Message) {
    let isFirst = messages.withLock { messages in
      messages.append(message)
      return messages.count == 1
    }
    if isFirst { wakeup.wake() }
  }

  func takeAll() -> [Message] {
    wakeup.acknowledge()
    return messages.withLock { messages in
      let all = messages
      messages.removeAll(keepingCapacity: true)
      return all
    }
  }
}
