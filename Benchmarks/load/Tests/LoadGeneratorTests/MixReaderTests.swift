import LoadGenerator
import Testing

@Test func `a kind has a request for each number and each upload`() throws {
  let mix = try MixReader.read(
    """
    fields: {Host: erp.example.com}
    kinds:
      - {name: asset, weight: 3, target: "/assets/{n}.js", count: 2, revalidates: true}
      - {name: upload, method: POST, target: /up, upload: [100, 1000]}
      - {name: login, method: POST, target: /login, body: usr=a&pwd=b}
    sockets: {count: 5, target: /socket.io/}
    """)
  #expect(mix.kinds.map(\.name) == ["asset", "upload", "login"])
  #expect(mix.kinds[0].weight == 3)
  #expect(mix.kinds[0].requests.map(\.target) == ["/assets/1.js", "/assets/2.js"])
  #expect(
    mix.kinds[0].requests[0].bytes
      == Array("GET /assets/1.js HTTP/1.1\r\nHost: erp.example.com\r\n\r\n".utf8))
  #expect(mix.kinds[1].requests.map { $0.body.count > 1000 } == [false, true])
  #expect(mix.kinds[2].requests[0].body == Array("usr=a&pwd=b".utf8))
  #expect(mix.sockets?.count == 5)
}

@Test(arguments: [
  ("kinds: []", "no kinds"),
  ("kinds: [{name: a}]", "no target"),
  ("kinds: [{name: a, target: /, wieght: 1}]", "a key that is none"),
  ("kinds: [{name: a, target: /, weight: 0}]", "a kind that is never asked"),
  ("kinds: [{name: a, target: /, method: BREW}]", "a method that is not known"),
  ("kinds: [{name: a, target: /, count: many}]", "a count that is no number"),
  ("sockets: {count: 1, target: /}", "sockets alone"),
])
func `what is no mix is refused`(_ text: String, _ what: String) {
  #expect(throws: MixError.self, "\(what)") { try MixReader.read(text) }
}
