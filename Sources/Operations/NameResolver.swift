public import CLibraries
public import Logging
public import Network
public import Reactor
import Synchronization

/// Keeps the addresses of names up to date: a thread asks, the control thread decides when and
/// learns what has changed.
public final class NameResolver {
  /// How long one question may take.
  public static let timeout: Duration = .seconds(3)

  /// A name has other addresses than it had.
  public struct Change: Equatable, Sendable {
    public let name: String
    /// Sorted, so that servers which take turns in their answers change nothing. Never empty.
    public let addresses: [IPAddress]
  }

  private let desk: Desk
  private let logger: Logger
  private var schedule = NameSchedule()
  private var known: [String: [IPAddress]] = [:]

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - wake: called on the thread when answers wait: it makes the control thread call `turn`.
  ///   - resolve: asks for one name, and may take its time.
  public init(
    logger: Logger, wake: @escaping @Sendable () -> Void,
    resolve: @escaping @Sendable (String) throws(ResolverError) -> Resolver.Answer
  ) throws(SystemError) {
    self.logger = logger
    desk = Desk(wakeup: try Wakeup())
    let desk = desk
    let loop = try EventLoop()
    let token = Token(rawValue: 1)
    try loop.registerReadable(desk.wakeup.descriptor, token: token)
    let waiting = Waiting(loop)
    try Thread.start(name: "names") { desk.answerQuestions(waiting, wake: wake, resolve: resolve) }
  }

  deinit { desk.close() }

  /// The names to keep up to date from now on.
  public func track(_ names: some Sequence<String>, now: Instant) {
    let names = Set(names)
    schedule.track(names, now: now)
    known = known.filter { names.contains($0.key) }
  }

  /// The addresses of a name as last heard; nil before its first answer.
  public func addresses(of name: String) -> [IPAddress]? { known[name] }

  /// A server of that name does not answer: it is asked for soon.
  public func hurry(_ name: String, now: Instant) { schedule.hurry(name, now: now) }

  /// When `turn` has something to ask; nil while only answers are awaited.
  public var nextDue: Instant? { schedule.nextDue }

  /// Asks for names that are due and takes in answers.
  public func turn(now: Instant) -> [Change] {
    var changes: [Change] = []
    for (name, result) in desk.takeAnswers() where schedule.contains(name) {
      switch result {
      case .success(let answer):
        schedule.answered(name, lifetime: answer.timeToLive, now: now)
        let addresses = answer.addresses.sorted(by: NameResolver.precedes)
        guard known[name] != addresses else { continue }
        let list = addresses.map(\.description).joined(separator: ", ")
        logger.info(known[name] == nil ? "\(name) is \(list)" : "\(name) is now \(list)")
        known[name] = addresses
        changes.append(Change(name: name, addresses: addresses))
      case .failure(let error):
        guard let (failures, wait) = schedule.failed(name, now: now) else { continue }
        report(name, error, failures: failures, wait: wait)
      }
    }
    desk.ask(schedule.takeDue(now: now))
    return changes
  }

  /// Said when it begins and at each doubling, not at every try.
  private func report(_ name: String, _ error: ResolverError, failures: Int, wait: Duration) {
    guard failures & (failures - 1) == 0 else { return }
    let consequence =
      known[name].map {
        $0.count == 1
          ? "its known address stays in use" : "its \($0.count) known addresses stay in use"
      }
      ?? "its servers stay down"
    logger.warning(
      "\(name): \(error); \(consequence); asked again in \(wait.components.seconds) s")
  }

  private static func precedes(_ a: IPAddress, _ b: IPAddress) -> Bool {
    (a.family.rawValue, a.high, a.low) < (b.family.rawValue, b.high, b.low)
  }

  /// Carries the loop into the thread that waits on it.
  private final class Waiting: Sendable {
    let loop: Mutex<EventLoop>
    init(_ loop: consuming sending EventLoop) { self.loop = Mutex(loop) }

    func wait() {
      // An error here (EBADF, EFAULT) would be our bug; the caller looks again either way.
      loop.withLock { loop in _ = try? loop.poll(timeout: nil) }
    }
  }

  /// Where questions and answers lie between the two threads.
  private final class Desk: Sendable {
    typealias Result = Swift.Result<Resolver.Answer, ResolverError>
    struct Papers {
      var questions: [String] = []
      var answers: [(String, Result)] = []
      var isClosed = false
    }

    let wakeup: Wakeup
    let papers = Mutex(Papers())

    init(wakeup: consuming Wakeup) { self.wakeup = wakeup }

    func ask(_ names: [String]) {
      guard !names.isEmpty else { return }
      papers.withLock { $0.questions += names }
      wakeup.wake()
    }

    func takeAnswers() -> [(String, Result)] {
      papers.withLock { papers in
        defer { papers.answers = [] }
        return papers.answers
      }
    }

    func close() {
      papers.withLock { $0.isClosed = true }
      wakeup.wake()
    }

    func answerQuestions(
      _ waiting: Waiting, wake: () -> Void,
      resolve: (String) throws(ResolverError) -> Resolver.Answer
    ) {
      while true {
        let (question, isClosed) = papers.withLock { papers in
          (papers.questions.isEmpty ? nil : papers.questions.removeFirst(), papers.isClosed)
        }
        guard !isClosed else { return }
        guard let question else {
          waiting.wait()
          wakeup.acknowledge()
          continue
        }
        let result = Result { () throws(ResolverError) in try resolve(question) }
        papers.withLock { $0.answers.append((question, result)) }
        wake()
      }
    }
  }
}
