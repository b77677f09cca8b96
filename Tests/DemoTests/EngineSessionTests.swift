import Testing

@testable import Demo

/// What goes in and comes out of a session, on a clock that moves only when told.
struct EngineSessionTests {
  let start = ContinuousClock.now
  var session: EngineSession

  init() {
    session = EngineSession(id: "S", instance: "realtime-a", transport: .polling, now: start)
  }

  @Test mutating func `the first packet opens the session`() {
    #expect(
      session.takeOutbox() == [
        #"0{"sid":"S","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"#
          + #""maxPayload":1000000}"#
      ])
  }

  @Test mutating func `a session that begins as a WebSocket offers no upgrade`() {
    session = EngineSession(id: "S", instance: "x", transport: .websocket, now: start)
    #expect(session.takeOutbox().first?.contains(#""upgrades":[]"#) == true)
  }

  struct Row: Sendable {
    var rule: String
    var packets: [String]
    /// Nil when the session is closed by it.
    var answers: [String]?
  }

  @Test(arguments: [
    Row(rule: "CONNECT", packets: ["40"], answers: [#"40{"sid":"S-0"}"#]),
    Row(
      rule: "CONNECT to a namespace, with credentials", packets: [#"40/site,{"token":1}"#],
      answers: [#"40/site,{"sid":"S-0"}"#]),
    Row(
      rule: "a namespace without a comma", packets: ["40/site"],
      answers: [#"40/site,{"sid":"S-0"}"#]),
    Row(
      rule: "a hello comes back", packets: ["40", #"42["hello","you",{"a":[1]}]"#],
      answers: [#"40{"sid":"S-0"}"#, #"42["hello","you",{"a":[1]}]"#]),
    Row(
      rule: "to its namespace", packets: ["40/x,", #"42/x,["hello",1]"#],
      answers: [#"40/x,{"sid":"S-0"}"#, #"42/x,["hello",1]"#]),
    Row(
      rule: "an event that asks for it is acknowledged",
      packets: ["40", #"4217["other"]"#],
      answers: [#"40{"sid":"S-0"}"#, #"4317["realtime-a"]"#]),
    Row(rule: "an event before CONNECT is nobody's", packets: [#"42["hello"]"#], answers: []),
    Row(
      rule: "nor is one after DISCONNECT", packets: ["40", "41", #"42["hello"]"#],
      answers: [#"40{"sid":"S-0"}"#]),
    Row(rule: "Engine.IO close", packets: ["1"], answers: nil),
    Row(rule: "a pong nobody asked for", packets: ["3"], answers: []),
    Row(rule: "no operation", packets: ["6"], answers: []),
    Row(rule: "an upgrade without a probe", packets: ["5"], answers: nil),
    Row(rule: "binary is not spoken", packets: ["40", "451-[\"x\"]"], answers: nil),
    Row(rule: "no type", packets: [""], answers: nil),
    Row(rule: "an empty message", packets: ["4"], answers: nil),
    Row(rule: "no such type", packets: ["9"], answers: nil),
  ])
  mutating func `a packet gets the answer that the protocol asks for`(_ row: Row) {
    _ = session.takeOutbox()
    for packet in row.packets { session.receive(packet) }
    #expect(session.isClosed == (row.answers == nil), "\(row.rule)")
    #expect(session.takeOutbox() == row.answers ?? [], "\(row.rule)")
  }

  @Test mutating func `a tick comes each second, to those who have connected`() {
    _ = session.takeOutbox()
    session.advance(to: start + .seconds(1))
    #expect(session.takeOutbox() == [])
    session.receive("40")
    _ = session.takeOutbox()
    session.advance(to: start + .milliseconds(1999))
    #expect(session.takeOutbox() == [])
    session.advance(to: start + .seconds(2))
    #expect(
      session.takeOutbox() == [
        #"42["tick",{"instance":"realtime-a","count":2,"transport":"polling"}]"#
      ])
  }

  @Test mutating func `who does not read misses ticks and stays`() {
    session.receive("40")
    for second in 1...100 {
      session.receive("3")
      session.advance(to: start + .seconds(second))
    }
    #expect(!session.isClosed)
    #expect(session.outbox.count <= EngineSession.outboxLimit / 2)
  }

  @Test mutating func `who asks and does not read is given up`() {
    session.receive("40")
    for _ in 0..<EngineSession.outboxLimit { session.receive(#"42["hello"]"#) }
    #expect(session.isClosed)
  }

  @Test mutating func `a ping that is answered keeps the session`() {
    _ = session.takeOutbox()
    session.advance(to: start + .seconds(25))
    #expect(session.takeOutbox() == ["2"])
    session.receive("3")
    session.advance(to: start + .seconds(45))
    #expect(!session.isClosed)
  }

  @Test mutating func `a ping that is not answered ends it, and not before its time`() {
    session.advance(to: start + .seconds(25))
    session.advance(to: start + .milliseconds(44_999))
    #expect(!session.isClosed)
    session.advance(to: start + .seconds(45))
    #expect(session.isClosed)
  }

  @Test mutating func `only one WebSocket may try to take over`() {
    let first = session.probe()
    let second = session.probe()
    session.probeFailed()
    let third = session.probe()
    session.receive("5")
    let late = session.probe()
    #expect([first, second, third, late] == [true, false, true, false])
    #expect(session.transport == .websocket)
  }

  @Test mutating func `a WebSocket that fails to take over leaves polling as it was`() {
    _ = session.probe()
    session.probeFailed()
    #expect(session.transport == .polling)
  }
}
