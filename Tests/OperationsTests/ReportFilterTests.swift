import Reactor
import Testing

@testable import Operations

@Test func `the same thing is said once a minute with its count`() {
  var filter = ReportFilter()
  let second: Instant = 1_000_000_000
  #expect(filter.admit("a", now: 100 * second) == 1)
  #expect(filter.admit("a", now: 101 * second) == nil)
  #expect(filter.admit("b", now: 101 * second) == 1)
  #expect(filter.admit("a", now: 159 * second) == nil)
  #expect(filter.admit("a", now: 160 * second) == 3)
  #expect(filter.admit("a", now: 161 * second) == nil)
}

@Test func `reports beyond a bound are dropped and orders are not`() throws {
  let mailbox = try ControlMailbox()
  for _ in 0..<1000 {
    mailbox.post(.report(.file(path: "/x", SystemError(call: "open", errno: 13))))
  }
  mailbox.post(.terminate)
  let messages = mailbox.takeAll()
  #expect(messages.count == ControlMailbox.reportLimit + 1)
  guard case .terminate = messages.last else {
    Issue.record("the order is lost")
    return
  }
  #expect(mailbox.takeAll().isEmpty)
}
