import Balancing
import Configuration
import Memory
import Network
import Reactor
import Synchronization
import Testing

@testable import Operations

/// A prober and the one server that it checks, on a loop that the test turns by hand.
private struct Bench: ~Copyable {
  var control: ControlLoop
  var prober: HealthProber
  var listener: Descriptor?
  let address: SocketAddress
  /// Requests that came, and what is answered to each.
  var requests: [String] = []
  var changes: [HealthChange] = []

  init(
    isFull: @escaping @Sendable (Int) -> Bool = { _ in false },
    idleTime: @escaping @Sendable (ProbeTarget, Instant) -> UInt64 = { _, _ in 0 }
  ) throws {
    prober = HealthProber(
      random: RandomSource(seed: 1), isFull: isFull, idleTime: idleTime)
    let control = try ControlLoop(clock: Clock(now: 1_000_000_000, wall: 0))
    let socket = try Sockets.listening(on: SocketAddress(.loopbackV4, port: 0))
    address = try Syscalls.localAddress(socket)
    self.control = control
    listener = consume socket
  }

  func target(_ change: (inout HealthCheck) -> Void = { _ in }) -> ProbeTarget {
    var check = HealthCheck(path: "/ping")
    check.jitterPercent = 0
    change(&check)
    return ProbeTarget(
      cell: 3, pool: "erp", server: "b", address: address, host: "merged-b:8000", check: check)
  }

  var isUp: Bool? { prober.isUp(cell: 3) }
  var isBusy: Bool { prober.isBusy(cell: 3) }
  var isConnected: Bool { prober.isConnected(cell: 3) }

  mutating func turn() throws {
    for i in 0..<(try control.events.poll(timeout: 0)) {
      if let change = prober.handle(control.events.event(i), &control) { changes.append(change) }
    }
    while let token = control.timers.nextExpired(now: control.clock.now) {
      if let change = prober.expired(token, &control) { changes.append(change) }
    }
  }

  /// Turns until a check has come, and answers it; nil closes without an answer.
  mutating func serve(_ answer: String?) throws {
    var peer = SocketAddress(.anyV4, port: 0)
    var accepted: Descriptor?
    let hasCome = try eventually {
      try turn()
      if let listener = listener.take() {
        accepted = try Syscalls.accept(from: listener, peer: &peer)
        self.listener = consume listener
      }
      return accepted != nil
    }
    guard hasCome, let connection = accepted.take() else {
      Issue.record("no check came")
      return
    }
    var buffer = ByteBuffer(capacity: 4096)
    let isWhole = try eventually {
      try turn()
      _ = try Syscalls.receive(from: connection, into: &buffer)
      return text(buffer).hasSuffix("\r\n\r\n")
    }
    #expect(isWhole)
    requests.append(text(buffer))
    buffer.clear()
    if let answer {
      buffer.append(text: answer)
      _ = try Syscalls.send(&buffer, to: connection)
    }
    Syscalls.shutdown(connection, .both)
    let isSeen = try eventually {
      try turn()
      return !prober.isBusy(cell: 3)
    }
    #expect(isSeen)
  }

  mutating func advance(_ duration: Duration) throws {
    control.clock.now += duration.nanoseconds
    try turn()
  }
}

private func text(_ buffer: borrowing ByteBuffer) -> String {
  var bytes: [UInt8] = []
  for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
  return String(decoding: bytes, as: UTF8.self)
}

private let well = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
private let ill = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
private let updating = "HTTP/1.1 503 Updating\r\nContent-Length: 8\r\n\r\nUpdating"

@Test func `a server is down until its first success and goes down after as many failures as told`()
  throws
{
  var bench = try Bench()
  bench.prober.track([bench.target()], &bench.control)
  #expect(bench.isUp == false)
  let unknown = bench.prober.isUp(cell: 4)
  #expect(unknown == nil)
  try bench.serve(well)
  #expect(bench.isUp == true)
  #expect(bench.changes.map(\.transition) == [.cameUp(successes: 1)])

  for _ in 0..<3 {
    #expect(bench.isUp == true)
    try bench.advance(.seconds(5))
    try bench.serve(ill)
  }
  #expect(bench.isUp == false)
  #expect(bench.changes.last?.transition == .wentDown(failures: 3))
  #expect(bench.changes.last?.span == .seconds(10))
  #expect(
    bench.changes.last.map { HealthText.message($0, up: 1, of: 2) }
      == "server b (\(bench.address)) down: 3 checks failed in 10 s: answered 500; "
      + "pool erp: 1 of 2 left")

  for _ in 0..<2 {
    #expect(bench.isUp == false)
    try bench.advance(.seconds(5))
    try bench.serve(well)
  }
  #expect(
    bench.changes.last.map { HealthText.message($0, up: 2, of: 2) }
      == "server b (\(bench.address)) up: 2 checks succeeded; pool erp: 2 of 2 up")
}

@Test func `a server whose site is maintained stays up and says so as it begins and ends`() throws {
  var bench = try Bench()
  let target = bench.target {
    $0.status = [200...200]
    $0.maintenance = [503...503]
    $0.fall = 1
  }
  func said(_ change: HealthChange?) -> String? {
    change.map { HealthText.message($0, up: 1, of: 2) }
  }
  let server = "server b (\(bench.address))"
  bench.prober.track([target], &bench.control)
  try bench.serve(updating)
  #expect(bench.isUp == true, "it comes up in the middle of it")
  #expect(bench.prober.maintained == [3])
  #expect(
    said(bench.changes.last)
      == "\(server) up: 1 check succeeded, in maintenance (503); pool erp: 1 of 2 up")

  try bench.advance(.seconds(5))
  try bench.serve(well)
  #expect(bench.prober.maintained == [])
  #expect(
    said(bench.changes.last) == "\(server) no longer in maintenance; pool erp: 1 of 2 up")

  for _ in 0..<3 {
    try bench.advance(.seconds(5))
    try bench.serve(updating)
    #expect(bench.isUp == true)
    #expect(bench.prober.maintained == [3])
  }
  #expect(bench.changes.count == 3, "said once")
  #expect(
    said(bench.changes.last)
      == "\(server) in maintenance (503): it stays in; pool erp: 1 of 2 up")

  try bench.advance(.seconds(5))
  try bench.serve(ill)
  #expect(bench.isUp == false)
  #expect(bench.prober.maintained == [], "what is down is nothing else")
}

@Test func `the request is what the pool's configuration says`() throws {
  var bench = try Bench()
  bench.prober.track([bench.target()], &bench.control)
  try bench.serve(well)
  #expect(
    bench.requests == [
      "GET /ping HTTP/1.1\r\nHost: merged-b:8000\r\nUser-Agent: Martlet health check\r\n"
        + "Accept: */*\r\nConnection: close\r\n\r\n"
    ])
  let other = bench.target {
    $0.host = "site.local"
    $0.headers = [
      HeaderField(name: "X-Frappe-Site-Name", value: "site"),
      HeaderField(name: "user-agent", value: "me"),
    ]
  }
  bench.prober.track([other], &bench.control)
  try bench.serve(well)
  #expect(
    bench.requests.last
      == "GET /ping HTTP/1.1\r\nHost: site.local\r\nAccept: */*\r\nConnection: close\r\n"
      + "X-Frappe-Site-Name: site\r\nuser-agent: me\r\n\r\n")
}

@Test func `a server that accepts and does not answer fails at the timeout`() throws {
  var bench = try Bench()
  bench.prober.track([bench.target { $0.fall = 1 }], &bench.control)
  try bench.turn()
  #expect(
    try eventually {
      try bench.turn()
      return bench.isBusy
    })
  for _ in 0..<20 { try bench.turn() }
  try bench.advance(.milliseconds(1900))
  #expect(bench.changes.isEmpty)
  try bench.advance(.milliseconds(200))
  #expect(bench.changes.last?.result == .failure("no answer in 2 s"))
  #expect(bench.isBusy == false)
}

/// Whether a server is full, as the test has it.
private final class Fullness: Sendable {
  let isFull: Atomic<Bool>
  init(_ isFull: Bool) { self.isFull = Atomic(isFull) }
}

@Test(arguments: [(true, true), (true, false), (false, true)])
func `no answer from a server that was full, as its check began or ended, does not count`(
  atFirst: Bool, atLast: Bool
) throws {
  let fullness = Fullness(atFirst)
  var bench = try Bench { cell in cell == 3 && fullness.isFull.load(ordering: .relaxed) }
  bench.prober.track([bench.target { $0.fall = 1 }], &bench.control)
  try bench.serve(well)
  try bench.advance(.seconds(5))
  #expect(
    try eventually {
      try bench.turn()
      return bench.isConnected
    })
  fullness.isFull.store(atLast, ordering: .relaxed)
  try bench.advance(.seconds(2.1))
  #expect(bench.isUp == true)
  #expect(bench.isBusy == false, "but the check is over")

  fullness.isFull.store(false, ordering: .relaxed)
  try bench.advance(.seconds(5))
  #expect(
    try eventually {
      try bench.turn()
      return bench.isConnected
    })
  try bench.advance(.seconds(2.1))
  #expect(bench.isUp == false, "with room for it, it does")
}

@Test func `a full server that refuses connections, or closes them, has failed`() throws {
  var closing = try Bench { _ in true }
  closing.prober.track([closing.target { $0.fall = 1 }], &closing.control)
  try closing.serve(nil)
  #expect(closing.changes.last?.result == .failure("closed without an answer"))

  var refusing = try Bench { _ in true }
  refusing.listener = nil
  refusing.prober.track([refusing.target { $0.fall = 1 }], &refusing.control)
  #expect(
    try eventually {
      try refusing.turn()
      return !refusing.changes.isEmpty
    })
  #expect(refusing.changes.last?.result == .failure("connection refused"))
}

@Test func `a refused connection is a failure that says so`() throws {
  var bench = try Bench()
  bench.listener = nil
  bench.prober.track([bench.target { $0.fall = 1 }], &bench.control)
  #expect(
    try eventually {
      try bench.turn()
      return !bench.changes.isEmpty
    })
  #expect(bench.changes.last?.result == .failure("connection refused"))
}

@Test func `a server that closes without an answer has failed`() throws {
  var bench = try Bench()
  bench.prober.track([bench.target { $0.fall = 1 }], &bench.control)
  try bench.serve(nil)
  #expect(bench.changes.last?.result == .failure("closed without an answer"))
}

@Test func `checks begin an interval apart and what is unchanged keeps its health`() throws {
  var bench = try Bench()
  let target = bench.target()
  bench.prober.track([target], &bench.control)
  try bench.serve(well)
  bench.prober.track([target], &bench.control)
  #expect(bench.isUp == true)
  try bench.advance(.milliseconds(4900))
  #expect(bench.isBusy == false)
  try bench.advance(.milliseconds(120))
  #expect(bench.isBusy == true)
  bench.prober.track([bench.target { $0.path = "/other" }], &bench.control)
  #expect(bench.isUp == false, "asked for something else, it has to answer anew")
  bench.prober.track([], &bench.control)
  #expect(bench.isUp == nil)
  try bench.advance(.seconds(100))
  #expect(bench.changes.count == 1)
}

@Test func `a server that is up is asked no more while nobody else asks it anything`() throws {
  let idle = Mutex<UInt64>(.max)
  let idleTime: @Sendable (ProbeTarget, Instant) -> UInt64 = { _, _ in idle.withLock { $0 } }
  var bench = try Bench(idleTime: idleTime)
  // From the start nobody has asked: its first success is waited for all the same.
  bench.prober.track([bench.target { $0.whenActive = .seconds(1) }], &bench.control)
  try bench.serve(ill)
  try bench.advance(.seconds(5))
  try bench.serve(well)
  #expect(bench.isUp == true)
  try bench.advance(.seconds(3600))
  let isAsked = bench.isBusy
  #expect(!isAsked)
  #expect(bench.isUp == true)

  idle.withLock { $0 = 0 }
  bench.prober.wake(pool: "another", &bench.control)
  try bench.turn()
  let isAskedForAnother = bench.isBusy
  #expect(!isAskedForAnother)
  bench.prober.wake(pool: "erp", &bench.control)
  for _ in 0..<3 {
    try bench.serve(ill)
    try bench.advance(.seconds(5))
  }
  #expect(bench.isUp == false)
  // It is down and asked on and on: nobody else would find out that it is back.
  idle.withLock { $0 = .max }
  try bench.serve(well)
  try bench.advance(.seconds(5))
  try bench.serve(well)
  #expect(bench.isUp == true)
}

@Test func `intervals differ by the jitter and no more`() {
  var check = HealthCheck(path: "/")
  check.interval = .seconds(10)
  check.jitterPercent = 10
  var random = RandomSource(seed: 7)
  let waits = (0..<1000).map { _ in HealthProber.wait(check, &random) }
  #expect(waits.allSatisfy { $0 >= 9_000_000_000 && $0 <= 11_000_000_000 })
  #expect((waits.min() ?? 0) < 9_100_000_000)
  #expect((waits.max() ?? 0) > 10_900_000_000)
  check.jitterPercent = 0
  #expect(HealthProber.wait(check, &random) == 10_000_000_000)
}
