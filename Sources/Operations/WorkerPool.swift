import Balancing
import CLibraries
import Files
import Memory
import Proxy
import Reactor

/// The worker threads as the control thread knows them.
struct WorkerPool {
  private struct Member {
    let mailbox: Mailbox
    let heartbeat: Heartbeat
  }

  /// What all workers are given alike.
  struct Common {
    let cells: SharedTable<ServerCell>
    let poolCells: SharedTable<PoolCell>
    let table: CounterTable
    let slots: WorkerSlots
    let accessLog: BatchQueue?
    let spill: SpillWriter
    let files: FileThreads
    let limiter: RequestLimiter
    let connectionsLimit: Int
    let control: ControlMailbox
    let tls: TLSSlots
    /// By listener of each worker: which entry of `listen` it is of.
    let places: [Int]
    /// What each worker's listeners begin with.
    let identities: [TLSContext?]
  }

  private var members: [Member] = []
  private let started: Instant
  private var ended: Set<Int> = []

  /// Starts a thread for each snapshot; the sockets are theirs.
  init(
    _ snapshots: [Snapshot], listening sockets: [[Int32]], _ common: Common, now: Instant
  ) throws(SystemError) {
    started = now
    var mailboxes: [Mailbox] = []
    for _ in snapshots { mailboxes.append(try Mailbox()) }
    for (number, snapshot) in snapshots.enumerated() {
      let member = Member(mailbox: mailboxes[number], heartbeat: Heartbeat())
      let control = common.control
      let places = common.places
      let identities = common.identities
      var environment = WorkerEnvironment(
        number: number, workers: snapshots.count, cells: common.cells,
        poolCells: common.poolCells, counters: common.table.row(ofWorker: number),
        slots: common.slots,
        accessLog: common.accessLog, spill: common.spill, files: common.files,
        mailboxes: mailboxes, connectionsLimit: common.connectionsLimit,
        heartbeat: member.heartbeat,
        report: { control.post(.report($0)) })
      environment.limiter = common.limiter
      environment.tls = common.tls
      let started = environment
      let own = sockets[number]
      try Thread.start(name: "worker \(number)") {
        do throws(SystemError) {
          var worker = try Worker(started, snapshot: snapshot)
          try worker.open(listening: own, places: places, identities: identities)
          try worker.run()
          control.post(.workerEnded(number, nil))
        } catch {
          control.post(.workerEnded(number, error))
        }
      }
      members.append(member)
    }
  }

  var count: Int { members.count }

  mutating func noteEnd(of number: Int) { ended.insert(number) }

  /// No worker has anything under way any more.
  var isDone: Bool { ended.count == members.count }

  var openConnections: Int { members.reduce(0) { $0 + $1.heartbeat.openConnections } }

  /// A worker that has drained turns no more, and is not stuck for that.
  func status(now: Instant) -> [ProcessStatus.Worker] {
    members.enumerated().map { number, member in
      let lastTurn = ended.contains(number) ? now : max(member.heartbeat.lastTurn, started)
      return ProcessStatus.Worker(lastTurn: lastTurn)
    }
  }

  /// - Parameter snapshots: one for each worker.
  func change(to snapshots: [Snapshot]) {
    for (member, snapshot) in zip(members, snapshots) { member.mailbox.change(to: snapshot) }
  }

  /// Handshakes that begin from now on show these, by listener.
  func change(to identities: [TLSContext?]) {
    for member in members { member.mailbox.change(to: identities) }
  }

  /// Closes idle connections to a server.
  func giveUpIdle(to cell: Int) { for member in members { member.mailbox.giveUpIdle(to: cell) } }

  /// Gives what waits for a dead server to others.
  func takeBack(from cell: Int) { for member in members { member.mailbox.takeBack(from: cell) } }

  /// Tells the clients of a draining server to connect anew, over `window` nanoseconds.
  func moveClients(of cell: Int, within window: UInt64) {
    for member in members { member.mailbox.moveClients(of: cell, within: window) }
  }

  func letClientsStay(with cell: Int) {
    for member in members { member.mailbox.letClientsStay(with: cell) }
  }

  /// - Parameter time: nanoseconds until whatever is under way is cut.
  func drain(within time: UInt64) {
    for member in members { member.mailbox.drain(within: time) }
  }
  func takeLeave() { for member in members { member.mailbox.takeLeave() } }
  func stop() { for member in members { member.mailbox.stop() } }
}
