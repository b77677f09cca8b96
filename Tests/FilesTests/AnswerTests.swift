import Files
import Glibc
import HTTP
import Testing

private let date = "Thu, 29 Feb 2024 12:34:56 GMT"
private let tag = "\"65e079f0-14\""

/// What is asked of one file of 20 bytes, small enough for memory or too large for it. Every row
/// was compared with nginx 1.22.1.
@Suite struct AnswerTests {
  struct Row: Sendable {
    var rule: String
    var fields: [String: String] = [:]
    var status: Int
    var body = ""
    var range: String?
  }

  @Test(
    arguments: [
      Row(rule: "the whole", status: 200, body: "0123456789abcdefghij"),
      Row(
        rule: "RFC 9110 §14.1.2", fields: ["Range": "bytes=3-5"], status: 206, body: "345",
        range: "bytes 3-5/20"),
      Row(
        rule: "a suffix", fields: ["Range": "bytes=-2"], status: 206, body: "ij",
        range: "bytes 18-19/20"),
      Row(
        rule: "§15.5.17", fields: ["Range": "bytes=20-"], status: 416, range: "bytes */20"),
      Row(
        rule: "more than the whole", fields: ["Range": "bytes=0-19,0-0"], status: 200,
        body: "0123456789abcdefghij"),
      Row(rule: "§13.1.2", fields: ["If-None-Match": tag], status: 304),
      Row(rule: "§13.1.3", fields: ["If-Modified-Since": date], status: 304),
      Row(
        rule: "exact dates only", fields: ["If-Modified-Since": "Fri, 01 Mar 2024 12:34:56 GMT"],
        status: 200, body: "0123456789abcdefghij"),
      Row(rule: "§13.1.1", fields: ["If-Match": "\"x\""], status: 412),
      Row(
        rule: "§13.1.4", fields: ["If-Unmodified-Since": "Fri, 01 Mar 2013 12:34:56 GMT"],
        status: 412),
      Row(
        rule: "conditions stand above ranges",
        fields: ["If-None-Match": tag, "Range": "bytes=0-1"],
        status: 304),
      Row(
        rule: "§13.1.5 the same", fields: ["If-Range": tag, "Range": "bytes=0-1"], status: 206,
        body: "01", range: "bytes 0-1/20"),
      Row(
        rule: "§13.1.5 another", fields: ["If-Range": "\"x\"", "Range": "bytes=0-1"], status: 200,
        body: "0123456789abcdefghij"),
    ], [true, false])
  func `conditions and ranges are answered`(_ row: Row, _ isInMemory: Bool) {
    var limits = FileLimits()
    if !isInMemory { limits.contentBytesPerFile = 10 }
    let site = Site(limits: limits)
    site.folder.write("a.txt", "0123456789abcdefghij")
    for _ in 1...2 {  // cold, then hot
      let reply = site.get("/a.txt", row.fields)
      #expect(reply.status == row.status, "\(row.rule)")
      #expect(reply.text == row.body, "\(row.rule)")
      #expect(reply["Content-Range"] == row.range, "\(row.rule)")
      #expect(reply.contentLength == row.body.utf8.count, "\(row.rule)")
      if !row.body.isEmpty {
        #expect(reply.wasFile == !isInMemory)
        #expect(reply["Content-Length"] == "\(row.body.utf8.count)")
      }
      let head = site.ask("HEAD", "/a.txt", row.fields)
      #expect(head.status == reply.status && head.head == reply.head, "RFC 9110 §9.3.2")
      #expect(head.body.isEmpty && head.contentLength == reply.contentLength)
    }
    #expect(site.server.usage.pinned == 0)
  }

  @Test func `fields are nginx's`() {
    let site = Site()
    site.folder.write("a.txt", "0123456789abcdefghij")
    let validators = "Last-Modified: \(date)\r\nETag: \(tag)\r\n"
    let type = "Content-Type: text/plain\r\n"
    #expect(
      site.get("/a.txt").head
        == "\(type)\(validators)Accept-Ranges: bytes\r\nContent-Length: 20\r\n")
    #expect(
      site.get("/a.txt", ["Range": "bytes=0-4"]).head
        == "\(type)\(validators)Content-Length: 5\r\nContent-Range: bytes 0-4/20\r\n")
    #expect(site.get("/a.txt", ["If-None-Match": tag]).head == validators)
    #expect(site.get("/a.txt", ["If-Match": "\"x\""]).head == "")
    #expect(site.get("/a.txt", ["Range": "bytes=9-1"]).head == "Content-Range: bytes */20\r\n")
  }

  @Test(arguments: [true, false])
  func `several ranges are a multipart body, byte for byte nginx's`(_ isInMemory: Bool) throws {
    var limits = FileLimits()
    if !isInMemory { limits.contentBytesPerFile = 10 }
    let site = Site(limits: limits)
    site.folder.write("a.txt", "0123456789abcdefghij")
    let reply = site.get("/a.txt", ["Range": "bytes=0-1,3-4"])
    #expect(reply.status == 206)
    let type = try #require(reply["Content-Type"])
    let boundary = try #require(type.split(separator: "=").last)
    #expect(type == "multipart/byteranges; boundary=\(boundary)")
    #expect(boundary.utf8.count == 20)
    #expect(
      reply.text == """
        \r\n--\(boundary)\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/20\r\n\r\n01\
        \r\n--\(boundary)\r\nContent-Type: text/plain\r\nContent-Range: bytes 3-4/20\r\n\r\n34\
        \r\n--\(boundary)--\r\n
        """)
    #expect(reply["Content-Length"] == "198", "as nginx counts for the same ranges")
    #expect(reply.contentLength == 198 && reply.body.count == 198)
    #expect(reply["Content-Range"] == nil)

    let head = site.ask("HEAD", "/a.txt", ["Range": "bytes=0-1,3-4"])
    #expect(head.body.isEmpty && head["Content-Length"] == "198")
    let again = site.get("/a.txt", ["Range": "bytes=0-1,3-4"])
    #expect(again["Content-Type"] != reply["Content-Type"], "each answer has its own boundary")
  }

  @Test func `the announced length of many parts is the length they have`() {
    let site = Site()
    site.folder.write("big", [UInt8](repeating: 7, count: 30_000))
    let ranges = (0..<150).map { "\($0 * 190)-\($0 * 190 + 9)" }.joined(separator: ",")
    let reply = site.get("/big", ["Range": "bytes=\(ranges)"])
    #expect(reply.status == 206)
    #expect(reply.body.count == reply.contentLength)
  }

  @Test func `parts of the largest file that there can be add up`() {
    // Where a file may be so large: in memory.
    let name = "/martlet-files.\(UInt64.random(in: 0 ... .max))"
    let file = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    defer { close(file) }
    _ = unsafe shm_unlink(name)
    #expect(ftruncate(file, Int.max - 4095) == 0)
    let site = Site { _ in FileRoute(base: .root("/proc/self/fd")) }
    let part = Int.max / 200
    let parts = (0..<150).map { "\($0 * part)-\($0 * part + part - 1)" }
    let range = "bytes=\(parts.joined(separator: ",")),\(150 * part)-"
    #expect(site.ask("HEAD", "/\(file)", ["Range": range]).status == 206)
  }

  @Test func `a large file comes from its descriptor, a small one from memory`() {
    let site = Site()
    let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    site.folder.write("large", large)
    site.folder.write("small", Array(large[..<65_536]))
    let first = site.get("/large")
    #expect(first.wasFile && first.body == large)
    let second = site.get("/small")
    #expect(!second.wasFile && second.body == Array(large[..<65_536]))
    #expect(site.server.usage.contentBytes == 65_536)
    #expect(site.server.usage.descriptors == 1)
  }

  @Test func `an empty file is a file`() {
    let site = Site()
    site.folder.write("empty.txt", "")
    for fields in [[:], ["Range": "bytes=0-0"], ["Range": "bytes=-5"]] {
      let reply = site.get("/empty.txt", fields)
      #expect(reply.status == 200 && reply.body.isEmpty)
      #expect(reply["Content-Length"] == "0")
      #expect(reply["ETag"] == "\"65e079f0-0\"")
    }
    #expect(site.server.usage.pinned == 0)
    #expect(site.server.usage.descriptors == 0)
  }

  @Test func `other methods than GET and HEAD are refused where there is a file`() {
    let site = Site()
    site.folder.write("a.txt", "x")
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"] {
      let there = site.ask(method, "/a.txt")
      #expect(there.status == 405, "\(method)")
      #expect(there.head == "Allow: GET, HEAD\r\n", "RFC 9110 §15.5.6")
      #expect(site.ask(method, "/b.txt").status == 404, "the fallback may know")
    }
  }

  @Test func `rules give Cache-Control, the first that matches`() throws {
    let site = Site { folder in
      FileRoute(
        base: .root(folder.path),
        cacheControl: [
          CacheControl(pattern: try? .init(#"\.bundle\."#), value: "public, immutable"),
          CacheControl(pattern: nil, value: "no-cache"),
        ])
    }
    site.folder.write("desk.bundle.css", "x")
    site.folder.write("logo.png", "x")
    #expect(site.get("/desk.bundle.css")["Cache-Control"] == "public, immutable")
    #expect(site.get("/logo.png")["Cache-Control"] == "no-cache")
    let reply = site.get("/logo.png", ["If-None-Match": "*"])
    #expect(reply.status == 304)
    #expect(reply["Cache-Control"] == "no-cache", "RFC 9110 §15.4.5")
  }

  @Test func `a route's own media types win`() {
    let site = Site { folder in
      FileRoute(
        base: .root(folder.path), mediaTypes: MediaTypes(overrides: ["js": "text/javascript"]))
    }
    site.folder.write("a.js", "x")
    #expect(site.get("/a.js")["Content-Type"] == "text/javascript")
  }

  @Test func `a type that is given stands in place of the file's own`() throws {
    let site = Site()
    site.folder.write("a.txt", "0123456789abcdefghij")
    site.type = "application/pdf"
    let rest = "Last-Modified: \(date)\r\nETag: \(tag)\r\n"
    #expect(
      site.get("/a.txt").head
        == "Content-Type: application/pdf\r\n\(rest)Accept-Ranges: bytes\r\nContent-Length: 20\r\n")
    #expect(site.get("/a.txt", ["Range": "bytes=0-4"])["Content-Type"] == "application/pdf")
    #expect(site.get("/a.txt", ["If-None-Match": tag])["Content-Type"] == nil)

    let reply = site.get("/a.txt", ["Range": "bytes=0-1,3-4"])
    #expect(reply["Content-Type"]?.hasPrefix("multipart/byteranges; ") == true)
    #expect(reply.text.split(separator: "Content-Type: application/pdf\r\n").count == 3)
    #expect(!reply.text.contains("text/plain"))
    #expect(reply.body.count == reply.contentLength)

    site.type = String(repeating: "x", count: FileServer.typeLimit + 1)
    #expect(site.get("/a.txt")["Content-Type"] == "text/plain", "too long to be taken")
  }

  @Test func `the file's Cache-Control gives way to another`() {
    let site = Site { folder in
      FileRoute(
        base: .root(folder.path), cacheControl: [CacheControl(pattern: nil, value: "no-cache")])
    }
    site.folder.write("a.txt", "0123456789abcdefghij")
    for fields in [[:], ["Range": "bytes=0-4"], ["If-None-Match": tag]] {
      site.omitsCacheControl = false
      var expected = site.get("/a.txt", fields)
      #expect(expected["Cache-Control"] == "no-cache")
      site.omitsCacheControl = true
      expected.wasCold = false
      expected.head.replace("Cache-Control: no-cache\r\n", with: "")
      #expect(site.get("/a.txt", fields) == expected)
    }
  }
}
