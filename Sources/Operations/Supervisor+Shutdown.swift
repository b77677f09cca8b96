import Reactor

// The end of the process.
extension Supervisor {
  /// How long the access log may take to be written after the last request.
  static let logTimeout: Duration = .seconds(2)

  /// SIGTERM or SIGINT, or the same by mailbox.
  func terminate(skipsLameDuck: Bool = false) {
    let settings = configuration.shutdown
    let isFirst = shutdown.isRunning
    let action = shutdown.terminate(
      settings, skipsLameDuck: skipsLameDuck, now: control.clock.now)
    if isFirst {
      let lameDuck =
        action == .takeLeave
        ? "accepting for \(HealthText.seconds(settings.servedLameDuck)) more, " : ""
      logger.notice(
        "ending: \(lameDuck)what is under way has \(HealthText.seconds(settings.deadline))")
    }
    follow(action, isImpatient: !isFirst)
  }

  func advanceShutdown() {
    follow(
      shutdown.advance(now: control.clock.now, isDone: workers.isDone), isImpatient: false)
  }

  private func follow(_ action: ShutdownMachine.Action, isImpatient: Bool) {
    switch action {
    case .nothing: break
    case .drain: workers.drain(within: shutdown.timeLeft(now: control.clock.now))
    case .takeLeave: workers.takeLeave()
    case .finish:
      closeLog()
      logger.notice("ended: nothing was under way any more")
      status = .success
    case .cut:
      let open = workers.openConnections
      workers.stop()
      waitForWorkers()
      closeLog()
      let connections = open == 1 ? "1 connection" : "\(open) connections"
      let why = isImpatient ? "a second signal" : "the deadline"
      logger.warning("ended by \(why): \(connections) cut")
      status = isImpatient ? .failure : .success
    }
  }

  /// A worker's loop has ended; without being asked, nothing is served any more by it.
  func workerEnded(_ number: Int, _ error: SystemError?) {
    workers.noteEnd(of: number)
    guard let error else { return }
    logger.critical("worker \(number) cannot go on: \(error)")
    // Half a process that looks alive is worse than none: whoever watches starts a new one.
    workers.stop()
    closeLog()
    status = .failure
  }

  /// Workers that were stopped hand over the last lines of their log before they end.
  private func waitForWorkers() {
    wait(atMost: .seconds(1)) { workers.isDone }
  }

  /// Lets the access log be written to its end, for a while.
  private func closeLog() {
    guard let accessLog else { return }
    accessLog.close()
    wait(atMost: Self.logTimeout) { isLogClosed }
    if !isLogClosed { logger.warning("access log: its last lines are lost") }
  }

  /// Waits for messages of other threads until `isDone`.
  private func wait(atMost time: Duration, until isDone: () -> Bool) {
    let end = Clock.read().now + time.nanoseconds
    while !isDone() {
      let now = Clock.read().now
      guard now < end else { return }
      let count = (try? control.events.poll(timeout: Int((end - now) / 1_000_000) + 1)) ?? 0
      for i in 0..<count where control.events.event(i).token.controlKind == .wakeup {
        for message in setting.mailbox.takeAll() {
          switch message {
          case .workerEnded(let number, _): workers.noteEnd(of: number)
          case .logEnded: isLogClosed = true
          case .terminate, .interrupt, .reload, .reopenLogs, .report, .namesAnswered, .looked,
            .lookedAtCertificates:
            break
          }
        }
      }
    }
  }
}
