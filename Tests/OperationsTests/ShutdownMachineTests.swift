import Configuration
import Operations
import Reactor
import Testing

private let second: Instant = 1_000_000_000

private func settings(lameDuck: Duration = .zero) -> Shutdown {
  var settings = Shutdown()
  settings.lameDuck = lameDuck
  settings.deadline = .seconds(27)
  return settings
}

@Test func `without a lame duck's time the drain begins with the signal`() {
  var machine = ShutdownMachine()
  #expect(machine.isRunning)
  #expect(machine.terminate(settings(), now: 100 * second) == .drain)
  #expect(!machine.isRunning)
  #expect(machine.nextDue == 127 * second)
  #expect(machine.timeLeft(now: 120 * second) == 7 * second)
  #expect(machine.timeLeft(now: 130 * second) == 0)
  #expect(machine.advance(now: 126 * second, isDone: false) == .nothing)
  #expect(machine.advance(now: 126 * second, isDone: true) == .finish)
  #expect(machine.advance(now: 127 * second, isDone: true) == .nothing)
}

@Test func `a lame duck goes on serving until its time is over`() {
  var machine = ShutdownMachine()
  #expect(machine.terminate(settings(lameDuck: .seconds(8)), now: 100 * second) == .takeLeave)
  #expect(machine.nextDue == 108 * second)
  #expect(machine.advance(now: 107 * second, isDone: true) == .nothing, "it may yet get work")
  #expect(machine.advance(now: 108 * second, isDone: false) == .drain)
  #expect(machine.nextDue == 127 * second, "the deadline counts from the signal")
  #expect(machine.advance(now: 127 * second, isDone: false) == .cut)
}

@Test(arguments: [Duration.zero, .seconds(8)])
func `the second signal does not wait`(_ lameDuck: Duration) {
  var machine = ShutdownMachine()
  _ = machine.terminate(settings(lameDuck: lameDuck), now: 100 * second)
  #expect(machine.terminate(settings(lameDuck: lameDuck), now: 101 * second) == .cut)
  #expect(machine.terminate(settings(lameDuck: lameDuck), now: 101 * second) == .nothing)
  #expect(machine.nextDue == nil)
}

@Test func `a lame duck's time that nobody has set leaves a short deadline its half`() {
  var machine = ShutdownMachine()
  var settings = Shutdown()
  settings.deadline = .seconds(4)
  #expect(machine.terminate(settings, now: 100 * second) == .takeLeave)
  #expect(machine.nextDue == 102 * second)
}

@Test func `who waits at a terminal waits for no lame duck`() {
  var machine = ShutdownMachine()
  #expect(
    machine.terminate(settings(lameDuck: .seconds(8)), skipsLameDuck: true, now: 100 * second)
      == .drain)
}

@Test func `nothing ends before a signal`() {
  var machine = ShutdownMachine()
  #expect(machine.advance(now: 100 * second, isDone: true) == .nothing)
  #expect(machine.isRunning)
}
