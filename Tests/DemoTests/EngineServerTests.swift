import HTTP
import Network
import Reactor
import Testing

@testable import Demo

/// Engine.IO and Socket.IO over real sockets, as clients speak them.
struct EngineServerTests {
  let servers: DemoServers
  let address: SocketAddress
  let polling = "/socket.io/?EIO=4&transport=polling"
  let websocket = "/socket.io/?EIO=4&transport=websocket"

  init() throws {
    servers = try DemoServers()
    try servers.start()
    address = servers.realtime[0]
  }

  /// Opens a session; answers its id.
  private func open(_ client: inout Client) throws -> String {
    let body = try client.ask("GET \(polling)").body
    try #require(body.hasPrefix(#"0{"sid":""#))
    return String(body.dropFirst(9).prefix { $0 != "\"" })
  }

  private func connect(_ client: inout Client) throws -> String {
    let id = try open(&client)
    #expect(try client.ask("POST \(polling)&sid=\(id)", body: "40").body == "ok")
    #expect(try client.ask("GET \(polling)&sid=\(id)").body == #"40{"sid":"\#(id)-0"}"#)
    return id
  }

  struct Row: Sendable {
    var rule: String
    var line: String
    var code: Int
  }

  @Test(arguments: [
    Row(rule: "no transport", line: "GET /socket.io/?EIO=4", code: 0),
    Row(rule: "no such transport", line: "GET /socket.io/?EIO=4&transport=pigeon", code: 0),
    Row(rule: "nobody's session", line: "GET /socket.io/?EIO=4&transport=polling&sid=x", code: 1),
    Row(
      rule: "a session begins with GET", line: "POST /socket.io/?EIO=4&transport=polling", code: 2),
    Row(rule: "not an upgrade", line: "GET /socket.io/?EIO=4&transport=websocket", code: 3),
    Row(rule: "revision 3", line: "GET /socket.io/?EIO=3&transport=polling", code: 5),
  ])
  func `a request that makes no sense is told why`(_ row: Row) throws {
    var client = try Client(address)
    let answer = try client.ask(row.line, body: row.line.hasPrefix("POST") ? "40" : nil)
    #expect(answer.status == 400, "\(row.rule)")
    #expect(answer.body.hasPrefix(#"{"code":\#(row.code),"message":"#), "\(row.rule)")
  }

  @Test func `an unknown session is refused in engine io's words`() throws {
    var client = try Client(address)
    let answer = try client.ask("GET \(polling)&sid=x")
    #expect(
      answer == .init(status: 400, body: #"{"code":1,"message":"Session ID unknown"}"# + "\n"))
  }

  @Test func `a hello comes back by polling`() throws {
    var client = try Client(address)
    let id = try connect(&client)
    _ = try client.ask("POST \(polling)&sid=\(id)", body: #"42["hello","martlet"]"#)
    let packets = try client.ask("GET \(polling)&sid=\(id)").body.split(separator: "\u{1E}")
    #expect(packets.contains(#"42["hello","martlet"]"#))
  }

  @Test func `packets share a payload both ways`() throws {
    var client = try Client(address)
    let id = try open(&client)
    _ = try client.ask(
      "POST \(polling)&sid=\(id)", body: "40\u{1E}42[\"hello\",1]\u{1E}42[\"hello\",2]")
    let body = try client.ask("GET \(polling)&sid=\(id)").body
    #expect(body == "40{\"sid\":\"\(id)-0\"}\u{1E}42[\"hello\",1]\u{1E}42[\"hello\",2]")
  }

  @Test func `a POST may come in chunks`() throws {
    var client = try Client(address)
    let id = try open(&client)
    try client.send(
      "POST \(polling)&sid=\(id) HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\n\r\n")
    try client.send("1\r\n4\r\n1\r\n0\r\n")
    try client.send("0\r\n\r\n")
    #expect(try client.answer() == .init(status: 200, body: "ok"))
  }

  @Test func `a GET waits for the tick that comes`() throws {
    var client = try Client(address)
    let id = try connect(&client)
    let tick = try client.ask("GET \(polling)&sid=\(id)").body
    #expect(tick.hasPrefix(#"42["tick",{"instance":"realtime-a","count":"#))
    #expect(tick.hasSuffix(#","transport":"polling"}]"#))
  }

  @Test func `a second GET sends the first home`() throws {
    var client = try Client(address)
    let id = try open(&client)
    // Nothing is due to a session that has not connected: each would wait.
    let get = "GET \(polling)&sid=\(id) HTTP/1.1\r\nHost: demo\r\n\r\n"
    try client.send(get)
    var other = try Client(address)
    try other.send(get)
    // Threads decide which of the two is the first.
    while client.isSilent && other.isSilent { Syscalls.pause(milliseconds: 1) }
    let isClient = !client.isSilent
    #expect(try (isClient ? client.answer() : other.answer()).body == "6")
    var poster = try Client(address)
    _ = try poster.ask("POST \(polling)&sid=\(id)", body: "40")
    #expect(try (isClient ? other.answer() : client.answer()).body.hasPrefix("40"))
  }

  @Test func `polling becomes a WebSocket`() throws {
    var client = try Client(address)
    let id = try connect(&client)
    var socket = try Client(address)
    #expect(try socket.upgrade("\(websocket)&sid=\(id)").status == 101)
    try socket.send(frame: .text, "2probe")
    #expect(try socket.packet() == "3probe")
    try socket.send(frame: .text, "5")
    try socket.send(frame: .text, #"42["hello","now"]"#)
    #expect(try socket.packet() == #"42["hello","now"]"#)
    let tick = try socket.frame().text
    #expect(tick.hasSuffix(#","transport":"websocket"}]"#))
  }

  @Test func `a GET that waits is sent home when a WebSocket comes`() throws {
    var client = try Client(address)
    let id = try open(&client)
    try client.send("GET \(polling)&sid=\(id) HTTP/1.1\r\nHost: demo\r\n\r\n")
    var socket = try Client(address)
    #expect(try socket.upgrade("\(websocket)&sid=\(id)").status == 101)
    #expect(try client.answer() == .init(status: 200, body: "6"))
  }

  @Test func `a WebSocket that never upgrades leaves polling alone`() throws {
    var client = try Client(address)
    let id = try connect(&client)
    do {
      var socket = try Client(address)
      #expect(try socket.upgrade("\(websocket)&sid=\(id)").status == 101)
      try socket.send(frame: .close, "")
      #expect(try socket.frame().opcode == .close)
      let hasEnded = socket.hasEnded()
      #expect(hasEnded)
    }
    _ = try client.ask("POST \(polling)&sid=\(id)", body: #"42["hello"]"#)
    var payload = ""
    // While the server has not noticed, a GET is answered with no operation.
    while !payload.contains("hello") { payload = try client.ask("GET \(polling)&sid=\(id)").body }
  }

  @Test func `a session may be a WebSocket from the start`() throws {
    var socket = try Client(address)
    #expect(try socket.upgrade(websocket).status == 101)
    #expect(try socket.packet().hasPrefix(#"0{"sid":""#))
    try socket.send(frame: .text, "40/site,{}")
    #expect(try socket.packet().hasPrefix(#"40/site,{"sid":""#))
    #expect(try socket.frame().text.hasPrefix(#"42/site,["tick",{"instance":"realtime-a""#))
  }

  @Test func `fragments make one message, with a ping between them`() throws {
    var socket = try Client(address)
    _ = try socket.upgrade(websocket)
    _ = try socket.packet()
    try socket.send(frame: .text, "40")
    _ = try socket.packet()
    try socket.send(frame: .text, #"42["hel"#, isFinal: false)
    try socket.send(frame: .ping, "still here?")
    try socket.send(frame: .continuation, #"lo",1]"#)
    var pong = try socket.frame()
    while pong.opcode == .text { pong = try socket.frame() }
    #expect(pong.opcode == .pong && pong.text == "still here?")
    #expect(try socket.packet() == #"42["hello",1]"#)
  }

  @Test func `a frame that is not masked ends the connection`() throws {
    var socket = try Client(address)
    _ = try socket.upgrade(websocket)
    _ = try socket.packet()
    try socket.send(frame: .text, "40", mask: nil)
    let hasEnded = socket.hasEnded()
    #expect(hasEnded)
  }

  @Test func `a stopped server ends its WebSockets and forgets its sessions`() throws {
    var socket = try Client(address)
    _ = try socket.upgrade(websocket)
    let open = try socket.packet()
    let id = String(open.dropFirst(9).prefix { $0 != "\"" })
    var control = try Client(servers.web[0])
    _ = try control.ask("POST /api/demo/instances/realtime-a/stop")
    #expect(throws: (any Error).self) { while true { _ = try socket.packet() } }
    _ = try control.ask("POST /api/demo/instances/realtime-a/start")
    var client = try Client(address)
    #expect(try client.ask("GET \(polling)&sid=\(id)").status == 400)
  }
}
