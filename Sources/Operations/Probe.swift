import Balancing
import Configuration
import Memory
import Network
import Reactor

/// One server that is checked: what is known of it, and the check under way, if any.
struct Probe: ~Copyable {
  /// A check under way.
  struct Running: ~Copyable {
    var transport: Transport
    /// Hands are being shaken.
    var isAgreeing = false
    var request: ByteBuffer
    var input = ByteBuffer(capacity: ProbeReader.headLimits.headBytes)
    var reader: ProbeReader
  }

  let target: ProbeTarget
  var machine: HealthMachine
  var timer: TimerWheel.ID = 0
  /// It is not asked, and no timer runs, until its pool has a request.
  var isPaused = false
  /// When the last check began.
  private(set) var began: Instant = 0
  private var streakBegan: Instant = 0
  private var running: Running?
  /// Whether the check under way has its connection.
  private(set) var isConnected = false
  /// Whether the server had as many requests as it takes when the check under way began.
  private(set) var beganFull = false

  init(_ target: ProbeTarget) {
    self.target = target
    machine = HealthMachine(rise: target.check.rise, fall: target.check.fall)
  }

  var isRunning: Bool { running != nil }

  /// What it means that the check under way has taken too long. A kernel accepts for a server
  /// that is busy, so that a connection which does not come about is a failure all the same.
  ///
  /// - Parameter wasFull: the server had as many requests as it takes, at the beginning or now.
  func timedOut(wasFull: Bool) -> ProbeResult {
    if wasFull, isConnected { return .busy }
    let what = isConnected ? "no answer" : "no connection"
    return .failure("\(what) in \(HealthText.seconds(target.check.timeout))")
  }

  mutating func stop(_ control: inout ControlLoop) {
    if timer != 0 { control.timers.cancel(timer) }
    timer = 0
    running = nil
  }

  /// Begins a check; its result if it fails on the spot.
  mutating func start(
    _ handle: Handle, isFull: Bool, _ control: inout ControlLoop
  ) -> ProbeResult? {
    began = control.clock.now
    beganFull = isFull
    do throws(SystemError) {
      isConnected = false
      let transport = Transport(
        try Sockets.connecting(to: target.address), isWritable: false)
      try control.events.register(transport.socket, token: Token(kind: .probe, handle))
      running = Running(
        transport: transport, request: Probe.request(target), reader: ProbeReader(target.check))
      return nil
    } catch {
      return .failure(Probe.text(error))
    }
  }

  /// Goes on with the check under way; its result when there is one.
  mutating func advance(_ readiness: Readiness) -> ProbeResult? {
    guard var check = running.take() else { return nil }
    check.transport.note(readiness)
    let result = Probe.advance(&check, target, &isConnected)
    if result == nil { running = consume check }
    return result
  }

  /// Takes in the result of the check, and ends it.
  mutating func finish(_ result: ProbeResult, _ control: inout ControlLoop) -> HealthChange? {
    stop(&control)
    if machine.streak == 0 { streakBegan = began }
    guard let transition = machine.observe(result.finding) else { return nil }
    let span = Duration.nanoseconds(Int64(clamping: control.clock.now - streakBegan))
    return HealthChange(target: target, transition: transition, result: result, span: span)
  }

  private static func advance(
    _ check: inout Running, _ target: ProbeTarget, _ isConnected: inout Bool
  ) -> ProbeResult? {
    do throws(SystemError) {
      if !isConnected {
        if let error = Syscalls.connectError(check.transport.socket) { throw error }
        guard check.transport.isWritable else { return nil }
        isConnected = true
        if let tls = target.tls {
          guard check.transport.secure(by: tls.context, as: tls.peer, resuming: nil) else {
            return .failure("TLS cannot be begun")
          }
          check.isAgreeing = true
        }
      }
      if check.isAgreeing {
        switch check.transport.shakeHands() {
        case .goesOn: return nil
        case .done: check.isAgreeing = false
        case .plainHTTP, .failed: return .failure(check.transport.handshakeProblem)
        }
      }
      while !check.request.isEmpty {
        if try check.transport.send(&check.request) == 0 { return nil }
      }
      // Bounded: by the head's limit, then by that of the body that is searched.
      while true {
        check.input.compact()
        guard check.input.space > 0 else { return .failure("answered without end") }
        switch check.transport.receive(into: &check.input) {
        case .bytes:
          if let result = check.reader.read(&check.input, isEnded: false) { return result }
        case .endOfStream:
          return check.reader.read(&check.input, isEnded: true)
        case .wouldBlock:
          return nil
        case .failed:
          return .failure(target.tls == nil ? "connection reset by peer" : "connection cut")
        }
      }
    } catch {
      return .failure(text(error))
    }
  }

  /// `connection refused`
  private static func text(_ error: SystemError) -> String { error.reason.lowercased() }

  /// The request of a check; fields that the check names itself are not added.
  static func request(_ target: ProbeTarget) -> ByteBuffer {
    let own = target.check.headers
    let fields =
      [
        HeaderField(name: "Host", value: target.check.host ?? target.host),
        HeaderField(name: "User-Agent", value: "Martlet health check"),
        HeaderField(name: "Accept", value: "*/*"),
        HeaderField(name: "Connection", value: "close"),
      ].filter { field in
        !own.contains { $0.name.lowercased() == field.name.lowercased() }
      } + own
    var text = "GET \(target.check.path) HTTP/1.1\r\n"
    for field in fields { text += "\(field.name): \(field.value)\r\n" }
    text += "\r\n"
    var buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text: text)
    return buffer
  }
}
