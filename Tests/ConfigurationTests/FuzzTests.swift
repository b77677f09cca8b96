import Configuration
import Testing

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

struct FuzzTests {
  /// Everything at once.
  static let full = """
    listen: [":8080", "[::1]:8443"]
    workers: 3
    admin: 127.0.0.1:8081
    trusted_proxies: [10.0.0.0/8, fd00::/8]
    forwarded: {for: replace, proto: off, host: off, request_id: always, via: martlet}
    limits: {request_line: 4KiB, head: 16KiB, body: 0, spill: 1GiB}
    timeouts: {head: 10s, keepalive: 0, half_closed: 500ms}
    keepalive: {requests: 100}
    expect_continue: relay
    buffers: {request: 128KiB, response: 1MiB, unsent: 64KiB}
    log: {access: /var/log/martlet.log, level: debug}
    shutdown: {lame_duck: 5s, deadline: 20s}
    x-more: &more {connect: 1s}
    pools:
      web:
        servers: ["a:8000", {address: "10.0.0.1:80", weight: 3, name: "b: [1]"}]
        strategy: {hash: [cookie:sid, header:Authorization, address]}
        health: {path: "/ping?x={y}", host: site.local, headers: {X-A: "1", X-B: "#"}, status: [200, 300-399], body: "ok: yes"}
        ejection: off
        keepalive: off
        host: example.com
        required: false
        timeouts: {<<: *more, response: 2m30s}
      rt:
        servers: ${BACKENDS:-c:9000, d:9000}
        affinity: {cookie: {name: C, secure: always, same_site: strict, max_age: 1d, path: /x}}
      rest:
        servers: "[2001:db8::1]:80"
        affinity: {hash: address}
        ejection: {failures: 1, max_percent: 100%}
        keepalive: {connections: 1, idle: 10s, requests: 5}
    routes:
      - name: "a # b"
        match: {host: ["*.example.com", Example.ORG], prefix: /a, prefix_final: true, methods: [GET, HEAD], headers: {X-Canary: "true"}}
        files: {alias: /srv, try: ["{path}", "/{host}/x"], fallback: all, follow_symlinks: false, precompressed: [br, gzip], cache_control: [{pattern: '\\.js$', value: "a, b"}, no-store], media_types: {js: text/javascript; charset=utf-8, css: text/css}}
        response_headers: {set: {X: "${NONE:-y}"}, add: {Y: "it's \\"z\\""}, remove: [Server]}
      - match: {regex: '^/x/(\\d+)$'}
        redirect: {to: "/y/{1}?q={query}", status: 308}
      - {match: {exact: /robots.txt}, respond: {body: "a\\nb\\t$${x}: é", content_type: text/plain}}
      - name: all
        proxy: {pool: web, upgrade: [websocket], request_buffering: false, response_buffering: false, body_limit: 1g, timeouts: {response: 50s, send: 1s, tunnel: 1h}}
        request_headers: {set: {X-Frappe: "null"}, remove: [X-B]}
      - {match: {prefix: /b}, proxy: rt}
      - {match: {prefix: /c}, proxy: rest}
    """

  @Test func `a file with everything in it reads as the same again`() throws {
    let (configuration, diagnostics) = read(FuzzTests.full)
    #expect(diagnostics == [])
    let effective = try #require(configuration).effectiveYAML()
    let (again, complaints) = read(effective)
    #expect(complaints == [])
    #expect(again == configuration)
    #expect(again?.effectiveYAML() == effective)
  }

  /// Any text that a header, a body or a name may have comes back out of the printed file.
  @Test func `any text survives being printed`() throws {
    let pieces: [Unicode.Scalar] = Array(
      "ab 01.:-?,[]{}#&*!|>'\"%@`=~\\/$é\u{0}\n\r\t\u{85}\u{A0}\u{2028}\u{FEFF}\u{1F600}"
        .unicodeScalars)
    var random = SplitMix(state: 11)
    var configuration = try #require(read("listen: \":80\"\nroutes: [{respond: 404}]\n").0)
    for _ in 0..<3000 {
      var body = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        body.append(pieces.randomElement(using: &random) ?? "a")
      }
      var settings = RespondSettings()
      settings.body = String(body)
      configuration.routes[0].action = .respond(settings)
      let (again, diagnostics) = read(configuration.effectiveYAML())
      #expect(again == configuration, "\(body.map(\.value)) \(diagnostics)")
    }
  }

  /// Nothing that a file can hold traps; what is read prints and reads again.
  @Test(.timeLimit(.minutes(5))) func `no file traps`() throws {
    let seeds =
      [FuzzTests.full]
      + DiagnosticsTests.broken.compactMap { Files.read("\(Files.tests)/Broken/\($0)") }
    let pieces = [
      ":", " ", "\n", "- ", "[", "]", "{", "}", "\"", "'", "#", "&a ", "*a", "<<", "${", "}", "$",
      "\t", "é", "\u{0}", "-1", "99999999999999999999", "0", "5s", "10MiB", "/", "..", "null", "~",
      "off", "auto", "*", "\\", "(", "|", ">", "---\n", ",", "  ",
    ]
    var random = SplitMix(state: 5)
    for round in 0..<1500 {
      var scalars = Array(seeds[round % seeds.count].unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &random) where !scalars.isEmpty {
        let at = Int.random(in: 0..<scalars.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: scalars.remove(at: at)
        case 1: scalars.removeSubrange(at..<min(scalars.count, at + 12))
        case 2:
          scalars.insert(
            contentsOf: (pieces.randomElement(using: &random) ?? "").unicodeScalars, at: at)
        default:
          let from = Int.random(in: 0..<scalars.count, using: &random)
          scalars.insert(contentsOf: scalars[from..<min(scalars.count, from + 20)], at: at)
        }
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      let (configuration, diagnostics) = read(String(text))
      for diagnostic in diagnostics { _ = diagnostic.text(isColoured: true) }
      #expect(configuration != nil || !diagnostics.isEmpty)
      if let configuration {
        #expect(read(configuration.effectiveYAML()).0 == configuration, "\(String(text))")
      }
    }
  }
}
