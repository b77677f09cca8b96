import Balancing
import Testing

struct HealthRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let rise: Int
  let fall: Int
  /// `+` is a success, `m` an answer in maintenance, `-` a failure, `?` says nothing.
  let results: String
  /// After each result: `u`p, `m`aintained, `d`own or `s`tarting; in upper case when it was told.
  let states: String

  init(_ rule: String, rise: Int = 2, fall: Int = 3, _ results: String, _ states: String) {
    self.rule = rule
    self.rise = rise
    self.fall = fall
    self.results = results
    self.states = states
  }

  var testDescription: String { rule }
}

@Test(arguments: [
  HealthRow("the first success brings a server up", "+", "U"),
  HealthRow("however late it comes", "-----+", "ssSssU"),
  HealthRow("rise is not asked of a new server", rise: 5, "-+", "sU"),
  HealthRow("fall failures take it down", "+---", "UuuD"),
  HealthRow("not in a row, they do not", "+--+--+--", "Uuuuuuuuu"),
  HealthRow("rise successes bring it back", "+---++", "UuuDdU"),
  HealthRow("not in a row, they do not", "+---+-+-", "UuuDdddd"),
  HealthRow("down is told once", "+-----", "UuuDdd"),
  HealthRow("up is told once", "+++", "Uuu"),
  HealthRow("1 and 1 follow each result", rise: 1, fall: 1, "+-+-", "UDUD"),
  HealthRow("back up, fall counts anew", "+--+---", "UuuuuuD"),
  HealthRow("fall of 1 is told of a new server", fall: 1, "--+", "SsU"),
  HealthRow("maintenance is told as it begins and ends, and takes nothing down", "+mmm+", "UMmmU"),
  HealthRow("a server that starts in maintenance comes up", "-mm+", "sMmU"),
  HealthRow("maintenance is a success to rise", "+---mm", "UuuDdM"),
  HealthRow("mixed with successes, too", "+---+m-", "UuuDdMm"),
  HealthRow("maintenance interrupts failures", "+--m--m", "UuuMmmm"),
  HealthRow("a failure does not end maintenance, fall of them end the server", "m-m---", "MmmmmD"),
  HealthRow("down in maintenance, it is back without it", "m---++", "MmmDdU"),
  HealthRow("what says nothing does not count as a failure", "+???--?-", "UuuuuuuD"),
  HealthRow("nor as a success", "?-?--?++", "ssssSsUu"),
  HealthRow("nor as one that brings a server back", "+---?+?+", "UuuDdddU"),
])
func `health follows rise and fall`(_ row: HealthRow) {
  var machine = HealthMachine(rise: row.rise, fall: row.fall)
  #expect(!machine.isUp)
  var states = ""
  for result in row.results {
    let finding: HealthMachine.Finding =
      switch result {
      case "+": .success
      case "m": .maintenance
      case "?": .inconclusive
      default: .failure
      }
    let transition = machine.observe(finding)
    let letter =
      switch machine.state {
      case .starting: "s"
      case .up: "u"
      case .maintained: "m"
      case .down: "d"
      }
    states += transition == nil ? letter : letter.uppercased()
    #expect(machine.isUp == ["u", "m"].contains(letter))
  }
  #expect(states == row.states)
}

@Test func `a transition says after how many results it came`() {
  var machine = HealthMachine(rise: 2, fall: 3)
  #expect(machine.observe(.success) == .cameUp(successes: 1))
  for _ in 0..<2 { #expect(machine.observe(.failure) == nil) }
  #expect(machine.observe(.failure) == .wentDown(failures: 3))
  #expect(machine.observe(.success) == nil)
  #expect(machine.observe(.maintenance) == .cameUp(successes: 2))
  #expect(machine.observe(.success) == .maintenanceEnded)
  #expect(machine.observe(.maintenance) == .maintenanceBegan)
}

@Test func `a server that nobody checks is up`() {
  #expect(HealthMachine(rise: 1, fall: 1, isChecked: false).isUp)
}
