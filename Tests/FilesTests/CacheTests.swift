import Files
import HTTP
import Reactor
import Testing

private let second: Instant = 1_000_000_000

@Suite struct CacheTests {
  @Test func `what is fresh costs no look at the disk, what is old costs one`() {
    let site = Site()
    site.folder.write("a.txt", "a")
    #expect(site.get("/a.txt").wasCold)
    site.now += second
    let fresh = site.get("/a.txt")
    #expect(!fresh.wasCold && !fresh.wasStale)
    site.now += second + 1
    #expect(site.get("/a.txt").wasCold)
    #expect(!site.get("/a.txt").wasCold)
  }

  @Test func `what is stale is served while the disk is asked, once`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    #expect(site.get("/a.txt").text == "old")
    site.folder.write("a.txt", "newer", stampedAt: Folder.stamp + 1)
    site.isDiskSlow = true
    site.now += second + 1
    for i in 0..<3 {
      let reply = site.get("/a.txt")
      #expect(reply.text == "old" && !reply.wasCold)
      #expect(reply.wasStale == (i == 0), "one question is enough")
    }
    site.refresh()
    let reply = site.get("/a.txt")
    #expect(reply.text == "newer" && !reply.wasCold && !reply.wasStale)
    #expect(reply["ETag"] == "\"65e079f1-5\"")
    #expect(site.server.usage.pinned == 0)
  }

  @Test func `what the disk confirms is fresh again`() {
    let site = Site()
    site.folder.write("a.txt", "a")
    // First it may have changed unnoticed, and is read again; then it is only looked at.
    for _ in 1...5 {
      #expect(site.get("/a.txt").text == "a")
      site.now += second + 1
      #expect(site.get("/a.txt").wasStale)
      #expect(!site.get("/a.txt").wasStale)
    }
    #expect(site.server.usage.contentBytes == 1)
    #expect(site.server.usage.descriptors == 0)
  }

  @Test func `what is long out of date is not served, though the disk is still being asked`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    #expect(site.get("/a.txt").text == "old")
    site.isDiskSlow = true
    site.now += second + 1
    #expect(site.get("/a.txt").wasStale)
    site.folder.write("a.txt", "newer")
    site.now += second
    let reply = site.get("/a.txt")
    #expect(reply.wasCold && reply.text == "newer")
    site.refresh()
    #expect(site.get("/a.txt").text == "newer")
  }

  @Test func `a missing file is never served stale`() {
    let site = Site()
    site.isDiskSlow = true
    #expect(site.get("/a.txt").status == 404)
    site.folder.write("a.txt", "a")
    site.now += second
    #expect(site.get("/a.txt").status == 404)
    site.now += 1
    let reply = site.get("/a.txt")
    #expect(reply.wasCold && reply.status == 200)
  }

  @Test func `a refresh whose file has been given up, or whose route has gone, does no harm`() {
    var limits = FileLimits()
    limits.entries = 4
    let site = Site(limits: limits)
    site.folder.write("a.txt", "a")
    for _ in 1...4 {
      _ = site.get("/a.txt")
      site.now += second + 1
    }
    site.isDiskSlow = true
    #expect(site.get("/a.txt").wasStale)
    for i in 0..<20 { _ = site.get("/\(i)") }
    site.refresh()
    #expect(site.get("/a.txt").text == "a")
    site.now += second + 1
    #expect(site.get("/a.txt").wasStale)
    let next = site.server.install([FileRoute(base: .root("/nowhere"))])
    site.server.retireRoutes(before: next)
    site.refresh()
    #expect(site.server.usage.entries == 0 && site.server.usage.pinned == 0)
  }

  @Test func `who began with an old route ends with it`() {
    let site = Site()
    site.folder.makeFolder("one")
    site.folder.write("one/a.txt", "one")
    site.folder.write("a.txt", "root")
    #expect(site.get("/a.txt").text == "root")
    _ = site.server.install([FileRoute(base: .root("\(site.folder.path)/one"))])
    let reply = site.get("/a.txt")
    #expect(reply.wasCold && reply.text == "root")
  }

  @Test func `a change is noticed when its time has come, and not before`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    #expect(site.get("/a.txt").text == "old")
    site.folder.write("a.txt", "newer", stampedAt: Folder.stamp + 1)
    site.now += second
    #expect(site.get("/a.txt").text == "old")
    site.now += second + 1
    let reply = site.get("/a.txt")
    #expect(reply.text == "newer")
    #expect(reply["ETag"] == "\"65e079f1-5\"")
  }

  @Test func `a change that keeps size and stamp is noticed`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    #expect(site.get("/a.txt").text == "old")
    site.folder.write("a.txt", "new")
    site.now += 2 * second + 1
    #expect(site.get("/a.txt").text == "new")
  }

  @Test func `a file put in place of another is noticed by its inode`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    for _ in 1...4 {
      #expect(site.get("/a.txt").text == "old")
      site.now += 2 * second + 1
    }
    site.folder.write("b.txt", "new")
    site.folder.move("b.txt", to: "a.txt")
    #expect(site.get("/a.txt").text == "new")
  }

  @Test func `a change whose stamp was put back is noticed`() {
    let site = Site()
    site.folder.write("a.txt", "old")
    for _ in 1...4 {
      #expect(site.get("/a.txt").text == "old")
      site.now += 2 * second + 1
    }
    site.folder.write("a.txt", "new")
    #expect(site.get("/a.txt").text == "new")
  }

  @Test func `a file that comes and goes is noticed`() {
    let site = Site()
    #expect(site.get("/a.txt").status == 404)
    site.folder.write("a.txt", "a")
    #expect(site.get("/a.txt").status == 404)
    site.now += second + 1
    #expect(site.get("/a.txt").status == 200)
    site.folder.remove("a.txt")
    site.now += 2 * second + 1
    #expect(site.get("/a.txt").status == 404)
  }

  @Test func `without freshness every turn of the loop looks`() {
    var limits = FileLimits()
    limits.freshness = 0
    let site = Site(limits: limits)
    #expect(site.get("/a.txt").status == 404)
    site.now += 1
    site.folder.write("a.txt", "old")
    #expect(site.get("/a.txt").text == "old")
    site.now += 1
    site.folder.write("a.txt", "newer")
    #expect(site.get("/a.txt").text == "newer")
  }

  @Test func `what is missing is believed for a shorter time`() {
    var limits = FileLimits()
    limits.freshness = 10 * second
    let site = Site(limits: limits)
    site.folder.write("a.txt", "a")
    #expect(site.get("/a.txt").status == 200)
    #expect(site.get("/b.txt").status == 404)
    site.now += second + 1
    #expect(!site.get("/a.txt").wasCold)
    #expect(site.get("/b.txt").wasCold)
  }

  // MARK: Limits

  @Test func `no more entries are kept than the limit, and those asked for stay`() {
    var limits = FileLimits()
    limits.entries = 16
    let site = Site(limits: limits)
    site.folder.write("hot.txt", "hot")
    _ = site.get("/hot.txt")
    var misses = 0
    for i in 0..<500 {
      _ = site.get("/missing-\(i)")
      if site.get("/hot.txt").wasCold { misses += 1 }
      #expect(site.server.usage.entries <= 16)
    }
    #expect(misses == 0)
  }

  @Test func `in the smallest cache a file and its siblings do not push each other out`() {
    var limits = FileLimits()
    limits.entries = 1
    let site = Site(limits: limits) {
      FileRoute(base: .root($0.path), precompressed: [.brotli, .gzip])
    }
    site.folder.write("a.txt", "plain")
    site.folder.write("a.txt.gz", "gzipped")
    let fields = ["Accept-Encoding": "br, gzip"]
    #expect(site.get("/a.txt", fields).text == "gzipped")
    #expect(site.get("/a.txt").text == "plain")
    #expect(site.get("/a.txt", fields).text == "gzipped")
    #expect(site.server.usage.entries == 1)
    #expect(site.server.usage.pinned == 0)
  }

  @Test func `content stays within its budget`() {
    var limits = FileLimits()
    limits.contentBytes = 10_000
    let site = Site(limits: limits)
    for i in 0..<20 {
      site.folder.write("\(i)", [UInt8](repeating: UInt8(i), count: 1500))
    }
    for i in 0..<60 {
      let reply = site.get("/\(i % 20)")
      #expect(reply.body == [UInt8](repeating: UInt8(i % 20), count: 1500))
      #expect(site.server.usage.contentBytes <= 10_000)
    }
    #expect(site.server.usage.contentBytes == 9000)
  }

  @Test func `open files stay within their number`() {
    var limits = FileLimits()
    limits.contentBytesPerFile = 0
    limits.descriptors = 4
    let site = Site(limits: limits)
    for i in 0..<20 { site.folder.write("\(i)", "file \(i)") }
    for i in 0..<60 {
      #expect(site.get("/\(i % 20)").text == "file \(i % 20)")
      #expect(site.server.usage.descriptors <= 4)
    }
  }

  @Test(arguments: [true, false])
  func `a response keeps what it sends, whatever becomes of cache and file`(_ isInMemory: Bool) {
    var limits = FileLimits()
    limits.entries = 4
    limits.descriptors = 2
    if !isInMemory { limits.contentBytesPerFile = 0 }
    let site = Site(limits: limits)
    site.folder.write("a.txt", "the old content")
    var reply = Site.Reply(status: 0)
    guard case .response(var response) = site.begin("GET", "/a.txt", &reply) else {
      Issue.record("no response")
      return
    }
    #expect(site.server.usage.pinned == 1)

    site.folder.write("b.txt", "the new content")
    site.folder.move("b.txt", to: "a.txt")
    site.now += 2 * second + 1
    #expect(site.get("/a.txt").text == "the new content")
    for i in 0..<50 {
      site.folder.write("\(i)", "\(i)")
      _ = site.get("/\(i)")
    }
    _ = site.server.install([])
    #expect(site.server.usage.entries == 0)
    #expect(site.server.usage.pinned == 1)

    site.readBody(of: &response, &reply)
    #expect(reply.text == "the old content")
    site.server.finish(response)
    #expect(site.server.usage.pinned == 0)
    #expect(site.server.usage.contentBytes == 0)
    #expect(site.server.usage.descriptors == 0)
  }

  @Test func `content that responses hold counts, and files are then sent from the disk`() {
    var limits = FileLimits()
    limits.contentBytes = 10
    let site = Site(limits: limits)
    site.folder.write("a.txt", "12345678")
    site.folder.write("b.txt", "abcdefgh")
    var reply = Site.Reply(status: 0)
    guard case .response(var response) = site.begin("GET", "/a.txt", &reply) else {
      Issue.record("no response")
      return
    }
    let other = site.get("/b.txt")
    #expect(other.text == "abcdefgh" && other.wasFile)
    #expect(site.server.usage.contentBytes == 8)
    site.readBody(of: &response, &reply)
    site.server.finish(response)
    #expect(reply.text == "12345678")
  }

  @Test func `responses under way are limited`() {
    var limits = FileLimits()
    limits.responses = 2
    let site = Site(limits: limits)
    site.folder.write("a.txt", "a")
    var reply = Site.Reply(status: 0)
    guard case .response(let first) = site.begin("GET", "/a.txt", &reply),
      case .response(let second) = site.begin("GET", "/a.txt", &reply)
    else {
      Issue.record("no response")
      return
    }
    #expect(site.get("/a.txt").status == 503)
    site.server.finish(first)
    #expect(site.get("/a.txt").status == 200)
    site.server.finish(second)
  }

  @Test func `the same path of another route is another file`() {
    let site = Site()
    site.folder.makeFolder("one")
    site.folder.write("one/a.txt", "one")
    site.folder.write("a.txt", "root")
    #expect(site.get("/a.txt").text == "root")
    site.install([FileRoute(base: .root("\(site.folder.path)/one"))])
    let reply = site.get("/a.txt")
    #expect(reply.wasCold && reply.text == "one")
  }
}
