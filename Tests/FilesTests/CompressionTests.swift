import Files
import HTTP
import Reactor
import Testing

private let second: Instant = 1_000_000_000
private let gzip = ["Accept-Encoding": "gzip"]

/// What nginx's `gzip` makes of files; each expectation was compared with nginx 1.22.1.
@Suite struct CompressionTests {
  private static let text = String(repeating: "body { color: red }\n", count: 100)
  private static let tag = "\"65e079f0-7d0\""

  private func site(limits: FileLimits = FileLimits(), precompressed: [ContentCoding] = []) -> Site
  {
    let site = Site(limits: limits) {
      FileRoute(
        base: .root($0.path), precompressed: precompressed,
        compression: GzipRule(types: ["text/css"], minimumLength: 256))
    }
    site.folder.write("a.css", Self.text)
    site.folder.write("short.css", "a { }")
    site.folder.write("a.png", Self.text)
    return site
  }

  private func isGzip(_ reply: Site.Reply) -> Bool {
    reply.body.starts(with: [0x1f, 0x8b, 8]) && reply.body.count < 200
      && reply["Content-Length"] == "\(reply.body.count)"
      && reply.contentLength == reply.body.count
  }

  @Test(arguments: [true, false])
  func `an eligible file is sent compressed, and compressed once`(_ isInMemory: Bool) {
    var limits = FileLimits()
    if !isInMemory { limits.contentBytesPerFile = 10 }
    let site = site(limits: limits)
    for isHot in [false, true] {
      let reply = site.get("/a.css", gzip)
      #expect(reply.wasCold == !isHot)
      #expect(reply.status == 200 && isGzip(reply) && !reply.wasFile)
      #expect(reply["ETag"] == "W/\(Self.tag)")
      #expect(reply["Content-Encoding"] == "gzip")
      #expect(reply["Vary"] == "Accept-Encoding")
      #expect(reply["Accept-Ranges"] == nil)
      let head = site.ask("HEAD", "/a.css", gzip)
      #expect(head.head == reply.head && head.body.isEmpty)
      let plain = site.get("/a.css")
      #expect(plain.text == Self.text && plain["ETag"] == Self.tag)
      #expect(plain["Vary"] == "Accept-Encoding" && plain["Accept-Ranges"] == "bytes")
    }
    #expect(site.server.usage.pinned == 0)
  }

  @Test func `what is not eligible stays as it is`() {
    let site = site()
    for path in ["/short.css", "/a.png"] {
      let reply = site.get(path, gzip)
      #expect(reply["Content-Encoding"] == nil && reply["Vary"] == nil)
    }
    #expect(site.get("/a.css", ["Accept-Encoding": "gzip;q=0"]).text == Self.text)
    site.version = "1.0"
    #expect(site.get("/a.css", gzip).text == Self.text)
  }

  @Test func `conditions are those of the file, and a 304 is not compressed and does not vary`() {
    let site = site()
    for tag in [Self.tag, "W/\(Self.tag)"] {
      let reply = site.get("/a.css", gzip.merging(["If-None-Match": tag]) { a, _ in a })
      #expect(reply.status == 304)
      #expect(reply["ETag"] == Self.tag && reply["Vary"] == nil)
    }
    #expect(site.server.usage.entries == 1, "nothing was compressed for that")
    let match = gzip.merging(["If-Match": Self.tag]) { a, _ in a }
    #expect(isGzip(site.get("/a.css", match)))
    let weak = gzip.merging(["If-Match": "W/\(Self.tag)"]) { a, _ in a }
    #expect(site.get("/a.css", weak).status == 412)
    let other = gzip.merging(["If-None-Match": "\"x\""]) { a, _ in a }
    #expect(isGzip(site.get("/a.css", other)))
  }

  @Test func `a range is cut of the file, not of what is compressed`() {
    let site = site()
    let both = gzip.merging(["Range": "bytes=0-3"]) { a, _ in a }
    #expect(isGzip(site.get("/a.css", both)))
    let part = site.get("/a.css", ["Range": "bytes=0-3"])
    #expect(part.status == 206 && part.text == "body" && part["Vary"] == "Accept-Encoding")
    let none = site.get("/a.css", ["Range": "bytes=9999-"])
    #expect(none.status == 416 && none["Vary"] == "Accept-Encoding")
    let parts = site.get("/a.css", ["Range": "bytes=0-1,4-5"])
    #expect(parts.status == 206 && parts["Vary"] == "Accept-Encoding")
    #expect(parts.body.count == parts.contentLength)
  }

  @Test func `a type that is given decides, whatever the file's own`() {
    let site = site()
    site.type = "text/css; charset=utf-8"
    let reply = site.get("/a.png", gzip)
    #expect(isGzip(reply) && reply["Content-Type"] == site.type)
    #expect(site.get("/short.css", gzip)["Vary"] == nil)
    site.type = "image/png"
    let plain = site.get("/a.css", gzip)
    #expect(plain.text == Self.text && plain["Vary"] == nil && plain["Content-Type"] == "image/png")
    site.type = ""
    #expect(isGzip(site.get("/a.css", gzip)))
    #expect(site.get("/a.png", gzip).text == Self.text)
  }

  @Test func `a sibling on the disk is preferred`() {
    let site = site(precompressed: [.gzip])
    site.folder.write("a.css.gz", "gzipped")
    let reply = site.get("/a.css", gzip)
    #expect(reply.text == "gzipped" && reply["ETag"] == "\"65e079f0-7-gzip\"")
    #expect(site.get("/a.css")["Vary"] == "Accept-Encoding")
  }

  @Test func `a file that changes is compressed anew, by the question that notices`() {
    let site = site()
    #expect(isGzip(site.get("/a.css", gzip)))
    site.folder.write("a.css", Self.text + Self.text, stampedAt: Folder.stamp + 1)
    site.now += second + 1
    let stale = site.get("/a.css", gzip)
    #expect(stale.wasStale && stale["ETag"] == "W/\(Self.tag)")
    let reply = site.get("/a.css", gzip)
    #expect(!reply.wasCold && isGzip(reply) && reply["ETag"] == "W/\"65e079f1-fa0\"")
  }

  @Test func `a file that stays is compressed once and only looked at from then on`() {
    let site = site()
    for _ in 0..<5 {
      #expect(isGzip(site.get("/a.css", gzip)))
      site.now += second + 1
      #expect(isGzip(site.get("/a.css", gzip)))
    }
    let bytes = site.server.usage.contentBytes
    // With plain requests in between, the compressed one is as fresh as its file.
    #expect(site.get("/a.css").text == Self.text)
    #expect(!site.get("/a.css", gzip).wasCold)
    #expect(site.server.usage.contentBytes == bytes)
  }

  @Test(arguments: [true, false])
  func `what a file became may be old as long as its stamp may be`(_ isInMemory: Bool) {
    var limits = FileLimits()
    if !isInMemory { limits.contentBytesPerFile = 10 }
    let site = site(limits: limits)
    #expect(isGzip(site.get("/a.css", gzip)))
    // The file is looked at again, and could have been written to within the stamp it has.
    site.now += second + 1
    #expect(site.get("/a.css").wasStale)
    #expect(site.get("/a.css", gzip).wasCold)
    site.now += second + 1
    #expect(site.get("/a.css", gzip).wasStale)
    // From now on a write would show.
    site.now += second + 1
    #expect(site.get("/a.css").wasStale)
    #expect(!site.get("/a.css", gzip).wasCold)
  }

  @Test func `what found no room is compressed a minute later, however often it is asked for`() {
    var limits = FileLimits()
    limits.contentBytes = 100
    let site = site(limits: limits)
    #expect(site.get("/a.css", gzip).text == Self.text)
    site.server.keep(freshness: second, contentBytes: 1 << 20)
    for _ in 0..<59 {
      site.now += second + 1
      #expect(site.get("/a.css", gzip).text == Self.text)
    }
    for _ in 0..<2 {
      site.now += second + 1
      _ = site.get("/a.css", gzip)
    }
    #expect(isGzip(site.get("/a.css", gzip)))
  }

  /// Words that compress the better the more time is spent.
  private static let prose: String = {
    var state: UInt64 = 1
    return (0..<8000).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return "word\((state >> 33) % 97)"
    }.joined(separator: " ")
  }()

  @Test func `what is asked for again and again is compressed as well as can be, once`() {
    let site = site()
    site.folder.write("a.css", Self.prose)
    let quick = site.get("/a.css", gzip)
    var replies: [Site.Reply] = []
    for _ in 0..<12 {
      replies.append(site.get("/a.css", gzip))
      site.now += second + 1
    }
    #expect(replies.filter(\.wasWorthMore).count == 1)
    #expect(quick.body.count < Self.prose.utf8.count / 2, "it was compressed at once")
    #expect(replies[0].body == quick.body)
    let last = replies[11]
    #expect(last.body.count < quick.body.count && last["ETag"] == quick["ETag"])
    #expect(last.contentLength == last.body.count && !last.wasCold)
    #expect(site.server.usage.entries == 2 && site.server.usage.pinned == 0)
  }

  @Test func `what has changed since it was asked for again and again is not mistaken for it`() {
    let site = site()
    site.folder.write("a.css", Self.prose)
    site.isDiskSlow = true
    var before = site.get("/a.css", gzip)
    for _ in 0..<12 where !before.wasWorthMore {
      site.now += second + 1
      _ = site.get("/a.css", gzip)
      site.refresh()
      before = site.get("/a.css", gzip)
    }
    #expect(before.wasWorthMore && !before.wasStale)
    site.folder.write("a.css", Self.text, stampedAt: Folder.stamp + 1)
    site.refresh()
    #expect(site.get("/a.css", gzip).body == before.body, "nothing was made of it")
    site.now += second + 1
    #expect(site.get("/a.css", gzip).wasStale)
    site.refresh()
    #expect(isGzip(site.get("/a.css", gzip)))
  }

  @Test func `what is too large, finds no room or does not become smaller is sent as it is`() {
    var limits = FileLimits()
    limits.compressibleBytes = 1999
    let large = site(limits: limits).get("/a.css", gzip)
    #expect(large.text == Self.text && large["Vary"] == "Accept-Encoding")

    limits = FileLimits()
    limits.contentBytes = 100
    let crowded = site(limits: limits)
    for isHot in [false, true] {
      let reply = crowded.get("/a.css", gzip)
      #expect(reply.text == Self.text && reply["Vary"] == "Accept-Encoding")
      #expect(reply.wasCold == !isHot, "it is not tried again at once")
    }

    let site = site()
    var noise = SystemRandomNumberGenerator()
    let bytes = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &noise) }
    site.folder.write("noise.css", bytes)
    for isHot in [false, true] {
      let reply = site.get("/noise.css", gzip)
      #expect(reply.body == bytes && reply["Content-Encoding"] == nil)
      #expect(reply.wasCold == !isHot)
    }
  }
}
