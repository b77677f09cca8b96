import Testing

@testable import Proxy

struct FailureStatusesTests {
  @Test func `exactly those named are in`() {
    let statuses = FailureStatuses([400...400, 463...465, 599...599])
    let found = (UInt16(0)...700).filter { statuses.contains($0) }
    #expect(found == [400, 463, 464, 465, 599])
  }

  @Test func `what is no failure is never in`() {
    let statuses = FailureStatuses([100...399])
    #expect((UInt16(0)...700).allSatisfy { !statuses.contains($0) })
  }
}
