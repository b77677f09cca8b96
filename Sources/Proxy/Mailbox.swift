public import CLibraries
import Files
public import Reactor
import Synchronization

/// What other threads tell a worker.
public final class Mailbox: Sendable {
  enum Message: Sendable {
    /// A new configuration, or new addresses: what begins now begins with it.
    case snapshot(Snapshot)
    /// Handshakes that begin now are made with these, by listener.
    case identities([TLSContext?])
    /// Close the idle connections to the server of a cell.
    case giveUpIdle(Int)
    /// The server of a cell is dead: what waits for it may go elsewhere.
    case takeBack(Int)
    /// A server of the pool with this cell has room for a request that waits here.
    case slotFree(Int)
    /// Tell the clients of the server of a cell to connect anew, within so many nanoseconds.
    case move(Int, within: UInt64)
    /// The server of the cell drains no more.
    case stay(Int)
    /// Take no new connections; end those there are as their work ends, within so many
    /// nanoseconds.
    case drain(within: UInt64)
    /// Serve on, and let each response be the last of its connection.
    case takeLeave
    /// End now, whatever is under way.
    case stop
    /// A piece of a body is in its file.
    case spilled(SpillJob)
    /// A file thread has found out what was asked.
    case found(FileLookup)
    /// A piece of a file is in memory.
    case read(FileRead)
  }

  private let messages = Mutex<[Message]>([])
  let wakeup: Wakeup

  public init() throws(SystemError) { wakeup = try Wakeup() }

  /// What begins from now on is served by `snapshot`, which is this worker's own.
  public func change(to snapshot: Snapshot) { post(.snapshot(snapshot)) }

  /// Handshakes that begin from now on are made with these, by listener; one that is nil stays so.
  public func change(to identities: [TLSContext?]) { post(.identities(identities)) }

  /// No idle connection to the server of the cell is kept.
  public func giveUpIdle(to cell: Int) { post(.giveUpIdle(cell)) }

  /// What waits for the server of the cell, which is dead, goes elsewhere; no idle connection to
  /// it is kept.
  public func takeBack(from cell: Int) { post(.takeBack(cell)) }

  /// The clients of the cell's server are told to connect anew, over `window` nanoseconds.
  public func moveClients(of cell: Int, within window: UInt64) {
    post(.move(cell, within: window))
  }

  /// Clients stay with the cell's server.
  public func letClientsStay(with cell: Int) { post(.stay(cell)) }

  /// No new connections; those there are end as their work ends, which must be within `time`
  /// nanoseconds.
  public func drain(within time: UInt64 = .max) { post(.drain(within: time)) }

  /// Each response that begins from now on is the last of its connection.
  public func takeLeave() { post(.takeLeave) }

  /// The loop ends now, whatever is under way.
  public func stop() { post(.stop) }

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
