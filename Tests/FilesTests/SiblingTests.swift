import Files
import HTTP
import Testing

@Suite struct SiblingTests {
  private func site() -> Site {
    let site = Site { FileRoute(base: .root($0.path), precompressed: [.brotli, .gzip]) }
    site.folder.write("app.js", "0123456789")
    site.folder.write("app.js.br", "brotli")
    site.folder.write("app.js.gz", "gzipped")
    site.folder.write("plain.js", "plain")
    site.folder.write("only.js.gz", "gzipped")
    return site
  }

  struct Row: Sendable {
    var rule: String
    var accept: String?
    var coding: String?
    var body: String
    var tag: String
  }

  @Test(arguments: [
    Row(
      rule: "the route's order decides", accept: "gzip, deflate, br", coding: "br",
      body: "brotli", tag: "\"65e079f0-6-br\""),
    Row(
      rule: "gzip alone", accept: "gzip", coding: "gzip", body: "gzipped",
      tag: "\"65e079f0-7-gzip\""),
    Row(
      rule: "refused", accept: "br;q=0, gzip;q=0", body: "0123456789", tag: "\"65e079f0-a\""),
    Row(rule: "not asked for", body: "0123456789", tag: "\"65e079f0-a\""),
  ])
  func `a sibling is sent to those who accept it`(_ row: Row) {
    let site = site()
    var fields: [String: String] = [:]
    fields["Accept-Encoding"] = row.accept
    for isHot in [false, true] {
      let reply = site.get("/app.js", fields)
      #expect(reply.wasCold == !isHot)
      #expect(reply.status == 200 && reply.text == row.body, "\(row.rule)")
      #expect(reply["Content-Encoding"] == row.coding, "\(row.rule)")
      #expect(reply["Content-Type"] == "application/javascript", "\(row.rule)")
      #expect(reply["ETag"] == row.tag, "\(row.rule)")
      #expect(reply["Vary"] == "Accept-Encoding", "RFC 9110 §12.5.5")
    }
    fields["If-None-Match"] = row.tag
    let unmodified = site.get("/app.js", fields)
    #expect(unmodified.status == 304)
    #expect(unmodified["Vary"] == "Accept-Encoding", "RFC 9110 §15.4.5")
    #expect(unmodified["Content-Encoding"] == nil)

    fields["If-None-Match"] = nil
    fields["Range"] = "bytes=1-2"
    let part = site.get("/app.js", fields)
    #expect(part.status == 206 && part.text == row.body.dropFirst().prefix(2))
    #expect(part["Content-Encoding"] == row.coding, "ranges are of the coded bytes")
  }

  @Test func `a file without siblings does not vary`() {
    let site = site()
    let reply = site.get("/plain.js", ["Accept-Encoding": "gzip, br"])
    #expect(reply.text == "plain")
    #expect(reply["Vary"] == nil)
    #expect(reply["Content-Encoding"] == nil)
  }

  @Test func `who speaks HTTP/1.0 gets no coded body`() {
    let site = site()
    site.version = "1.0"
    #expect(site.get("/app.js", ["Accept-Encoding": "gzip, br"]).text == "0123456789")
  }

  @Test func `a sibling without its file is nothing`() {
    #expect(site().get("/only.js", ["Accept-Encoding": "gzip"]).status == 404)
  }

  @Test func `siblings are left alone where the route does not want them`() {
    let site = site()
    site.install([FileRoute(base: .root(site.folder.path))])
    let reply = site.get("/app.js", ["Accept-Encoding": "gzip, br"])
    #expect(reply.text == "0123456789" && reply["Vary"] == nil)
  }

  @Test func `a sibling that goes or changes is noticed`() {
    let site = site()
    let fields = ["Accept-Encoding": "gzip, br"]
    #expect(site.get("/app.js", fields).text == "brotli")
    site.folder.remove("app.js.br")
    #expect(site.get("/app.js", fields).text == "brotli", "for as long as it is fresh")
    site.now += 2_500_000_000
    #expect(site.get("/app.js", fields).text == "gzipped")
    site.folder.write("app.js.gz", "gzipped anew")
    site.now += 2_500_000_000
    #expect(site.get("/app.js", fields).text == "gzipped anew")
    site.folder.remove("app.js.gz")
    site.now += 2_500_000_000
    let reply = site.get("/app.js", fields)
    #expect(reply.text == "0123456789" && reply["Vary"] == nil)
  }
}
