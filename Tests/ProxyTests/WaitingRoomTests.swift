import Configuration
import Memory
import Testing

@testable import Proxy

@Suite struct WaitingRoomTests {
  private static func exchange(_ priority: Priority, _ start: UInt64) -> Exchange {
    var exchange = Exchange(client: .none, generation: .none, start: start)
    exchange.route.priority = priority
    return exchange
  }

  @Test func theMostUrgentGoFirstAndEqualsInTheirOrder() {
    var exchanges = Slab<Exchange>(capacity: 8)
    var room = WaitingRoom()
    let order: [Priority] = [.low, .normal, .high, .normal, .low, .high]
    for (i, priority) in order.enumerated() {
      guard let handle = exchanges.insert(Self.exchange(priority, UInt64(i))) else { return }
      room.add(handle, isBack: false, in: &exchanges)
    }
    var left: [UInt64] = []
    while let first = room.first {
      room.remove(first, from: &exchanges)
      left.append(exchanges[first].start)
    }
    #expect(left == [2, 5, 1, 3, 0, 4])
    #expect(room.isEmpty)
  }

  @Test func whoComesBackStandsInFront() {
    var exchanges = Slab<Exchange>(capacity: 8)
    var room = WaitingRoom()
    for i in 0..<3 {
      guard let handle = exchanges.insert(Self.exchange(.normal, UInt64(i))) else { return }
      room.add(handle, isBack: i == 2, in: &exchanges)
    }
    #expect(room.first.map { exchanges[$0].start } == 2)
    #expect(room.last(below: .high).map { exchanges[$0].start } == 1)
    #expect(room.last(below: .normal) == nil)
  }

  @Test func leavingTheMiddleKeepsTheLine() {
    var exchanges = Slab<Exchange>(capacity: 8)
    var room = WaitingRoom()
    var handles: [Handle] = []
    for i in 0..<3 {
      guard let handle = exchanges.insert(Self.exchange(.low, UInt64(i))) else { return }
      room.add(handle, isBack: false, in: &exchanges)
      handles.append(handle)
    }
    room.remove(handles[1], from: &exchanges)
    #expect(room.count == 2)
    room.remove(handles[0], from: &exchanges)
    #expect(room.first == handles[2])
    room.remove(handles[2], from: &exchanges)
    #expect(room.isEmpty && room.isEmpty(.low) && room.first == nil)
  }

  @Test func theLineGoesOnWithThoseThatAreLessUrgent() {
    var exchanges = Slab<Exchange>(capacity: 8)
    var room = WaitingRoom()
    let order: [Priority] = [.low, .high, .high, .low]
    for (i, priority) in order.enumerated() {
      guard let handle = exchanges.insert(Self.exchange(priority, UInt64(i))) else { return }
      room.add(handle, isBack: false, in: &exchanges)
    }
    var seen: [UInt64] = []
    var next = room.first
    while let handle = next {
      seen.append(exchanges[handle].start)
      next = room.following(handle, in: exchanges)
    }
    #expect(seen == [1, 2, 0, 3])
  }

  @Test func eachAnswerLetsTwoMoreGo() {
    var room = WaitingRoom()
    room.beginRecovery()
    var rounds: [Int] = []
    for _ in 0..<5 {
      var gone = 0
      while room.admits {
        room.beginTrial()
        gone += 1
      }
      rounds.append(gone)
      for _ in 0..<gone { room.endTrial(succeeded: true) }
    }
    #expect(rounds == [1, 2, 4, 8, 16])
  }

  @Test func aTrialThatTakesLongDoesNotHoldUpTheRest() {
    var room = WaitingRoom()
    room.beginRecovery()
    room.beginTrial()
    for _ in 0..<19 { room.tick() }
    #expect(!room.admits)
    room.tick()
    #expect(room.admits && room.window == 2)
    room.beginTrial()
    room.tick()
    #expect(!room.admits)
  }

  @Test func afterATryThatReachedNobodyAllRestUntilTheTimerComes() {
    var room = WaitingRoom()
    room.beginRecovery()
    room.beginTrial()
    room.endTrial(succeeded: false)
    room.rest()
    #expect(!room.admits)
    room.tick()
    #expect(room.admits && room.window == 1)
  }

  @Test func aFailureBeginsAnew() {
    var room = WaitingRoom()
    room.beginRecovery()
    for _ in 0..<3 {
      room.beginTrial()
      room.endTrial(succeeded: true)
    }
    #expect(room.window == 4)
    room.beginTrial()
    room.endTrial(succeeded: false)
    #expect(room.window == 1 && room.onTrial == 0)
    // What could not be seen changes nothing.
    room.beginTrial()
    room.endTrial(succeeded: nil)
    #expect(room.window == 1 && room.onTrial == 0)
    room.endRecovery()
    #expect(room.admits && !room.isRecovering)
  }
}
