import Balancing
import Memory
import Reactor

/// A snapshot in use, with what one worker decides by it.
struct Generation: ~Copyable {
  let snapshot: Snapshot
  var balancer: Balancer
  /// By pool: what may still be repeated.
  var budgets: [RetryBudget]
  /// The number by which the file server knows the first of its routes.
  let firstFileRoute: Int
  /// Exchanges and tunnels that began with it and are not over.
  var exchanges = 0

  init(_ snapshot: Snapshot, balancer: consuming Balancer, firstFileRoute: Int) {
    self.snapshot = snapshot
    self.balancer = balancer
    budgets = snapshot.pools.map(\.retryBudget)
    self.firstFileRoute = firstFileRoute
  }
}

extension Worker {
  /// What requests that come now are served by.
  var snapshot: Snapshot { generations[current].snapshot }

  /// Makes a place for a snapshot.
  mutating func adopt(_ snapshot: Snapshot) -> Handle {
    let balancer = Balancer(
      snapshot.plans, cells: environment.cells, worker: environment.number,
      workers: environment.workers, seed: random.next())
    let settings = snapshot.files
    files.keep(
      freshness: settings.freshness, contentBytes: settings.memoryBytes / environment.workers)
    let firstFileRoute = files.install(snapshot.fileRoutes())
    guard
      let handle = generations.insert(
        Generation(snapshot, balancer: balancer, firstFileRoute: firstFileRoute))
    else { preconditionFailure("a reload waits until there is a place for another snapshot") }
    return handle
  }

  /// Goes over to a new snapshot. Exchanges under way end with the one they began with.
  mutating func change(to snapshot: Snapshot) {
    // So many snapshots in use means that old exchanges have not ended over as many reloads;
    // the newest but one gives way, for what uses it is the youngest.
    guard !generations.isFull else {
      deferred = snapshot
      return
    }
    let before = current
    current = adopt(snapshot)
    if generations[before].exchanges == 0 { remove(before) }
    renewWaiting()
    instructListeners()
  }

  /// An exchange that began with a snapshot is over.
  mutating func leave(_ generation: Handle) {
    generations[generation].exchanges -= 1
    guard generations[generation].exchanges == 0, generation != current else { return }
    remove(generation)
  }

  private mutating func remove(_ generation: Handle) {
    generations.remove(generation)
    var oldest = Int.max
    for slot in 0..<generations.slotLimit {
      guard let handle = generations.handle(ofSlot: slot) else { continue }
      oldest = min(oldest, generations[handle].firstFileRoute)
    }
    files.retireRoutes(before: oldest)
  }

  /// Goes over to a snapshot that waited for a place, if there is one now. Between turns: who is
  /// in the middle of a request counts on one table of routes.
  mutating func changeToDeferred() {
    guard let snapshot = deferred, !generations.isFull else { return }
    deferred = nil
    change(to: snapshot)
  }

  /// A request whose head was read across a reload is served by the new configuration.
  mutating func renew(_ exchange: Handle) {
    let before = exchanges[exchange].generation
    guard before != current else { return }
    generations[current].exchanges += 1
    exchanges[exchange].generation = current
    leave(before)
  }

  // MARK: The end

  /// How long a connection that has just been made may take for its first request when all end.
  static let firstRequestGrace: UInt64 = 1_000_000_000

  /// No new connections; those that are idle end now, the others with their next response, and
  /// WebSockets when their clients have been told, within `time` (in ns).
  mutating func drain(within time: UInt64) {
    guard !isDraining else { return }
    isTakingLeave = true
    isDraining = true
    closeListeners()
    for slot in 0..<clients.slotLimit {
      guard let client = clients.handle(ofSlot: slot) else { continue }
      switch clients[client].state {
      case .idle:
        // A request that has come already is served: one look for it, at this last moment.
        clients[client].transport.isReadable = true
        beginExchange(client)
      case .unheard, .handshake, .proxyHeader:
        let end = clock.now &+ Self.firstRequestGrace
        guard clients[client].deadline.instant > end else { continue }
        clients[client].deadline.set(end, token: Token(kind: .client, client), &wheel)
      case .exchange, .tunnel, .lingering: continue
      }
    }
    moveTunnels(within: time)
  }

  /// A connection that has no request, while all end.
  mutating func endIdle(_ client: Handle) {
    // Its maker has been let in a moment ago, and has not been heard.
    guard clients[client].requests > 0 else {
      return setClientDeadline(client, after: Self.firstRequestGrace)
    }
    // A request may be on its way at this moment: our end is closed, and what comes is read,
    // so that the client learns by an orderly end that it may ask elsewhere.
    beginLingering(client)
  }
}
