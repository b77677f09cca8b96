import Files
import Glibc
import HTTP
import Testing

@Suite struct PathTests {
  struct Row: Sendable {
    var rule: String
    var path: String
    var status: Int
  }

  @Test(arguments: [
    Row(rule: "a file", path: "/a.txt", status: 200),
    Row(rule: "missing", path: "/b.txt", status: 404),
    Row(rule: "a directory", path: "/dir", status: 404),
    Row(rule: "a directory by its slash", path: "/dir/", status: 404),
    Row(rule: "the root", path: "/", status: 404),
    Row(rule: "below a directory", path: "/dir/b.txt", status: 200),
    Row(rule: "ENOTDIR", path: "/a.txt/b", status: 404),
    Row(rule: "a file is no directory", path: "/a.txt/", status: 404),
    Row(rule: "a FIFO does not block", path: "/fifo", status: 404),
    Row(rule: "a link out of the root", path: "/out.txt", status: 200),
    Row(rule: "a linked directory", path: "/linked/b.txt", status: 200),
    Row(rule: "a link to nothing", path: "/dangling", status: 404),
    Row(rule: "links in a circle", path: "/circle", status: 404),
    Row(
      rule: "a name too long", path: "/" + String(repeating: "x", count: 256), status: 404),
    Row(
      rule: "a path too long", path: String(repeating: "/xxxxxxx", count: 600), status: 404),
    Row(rule: "a NUL never reaches the kernel", path: "/a.txt\0.html", status: 404),
    Row(rule: "no path at all", path: "*", status: 404),
  ])
  func `a path leads to a regular file or to 404`(_ row: Row) {
    let outside = Folder()
    outside.write("secret.txt", "out")
    let site = site(linkedTo: outside)
    #expect(site.get(row.path).status == row.status, "\(row.rule)")
    let isRemembered = !site.get(row.path).wasCold
    #expect(isRemembered == (row.path.utf8.count <= 256), "\(row.rule)")
  }

  @Test(arguments: [
    Row(rule: "a file", path: "/a.txt", status: 200),
    Row(rule: "below a directory", path: "/dir/b.txt", status: 200),
    Row(rule: "double slashes", path: "//dir//b.txt", status: 200),
    Row(rule: "a file is no directory", path: "/a.txt/", status: 404),
    Row(rule: "a link out of the root", path: "/out.txt", status: 404),
    Row(rule: "a link inside the root", path: "/in.txt", status: 404),
    Row(rule: "a linked directory", path: "/linked/b.txt", status: 404),
    Row(rule: "a link to nothing", path: "/dangling", status: 404),
    Row(rule: "a directory", path: "/dir", status: 404),
    Row(rule: "missing", path: "/dir/c.txt", status: 404),
    Row(rule: "a FIFO", path: "/fifo", status: 404),
  ])
  func `links are no files where they must not be followed`(_ row: Row) {
    let outside = Folder()
    outside.write("secret.txt", "out")
    let site = site(linkedTo: outside)
    site.folder.link("base", to: ".")  // one in the base is followed all the same
    site.install([
      FileRoute(base: .root("\(site.folder.path)/base"), followsSymlinks: false)
    ])
    #expect(site.get(row.path).status == row.status, "\(row.rule)")
    site.now += 2_500_000_000
    #expect(site.get(row.path).status == row.status, "\(row.rule), looked at again")
  }

  private func site(linkedTo outside: Folder) -> Site {
    let site = Site()
    let folder = site.folder
    folder.makeFolder("dir")
    folder.write("a.txt", "a")
    folder.write("dir/b.txt", "b")
    folder.makeFIFO("fifo")
    folder.link("in.txt", to: "a.txt")
    folder.link("out.txt", to: "\(outside.path)/secret.txt")
    folder.link("linked", to: "dir")
    folder.link("dangling", to: "nowhere")
    folder.link("circle", to: "circle")
    return site
  }

  @Test(arguments: [
    Row(rule: "behind the prefix", path: "/i/top.txt", status: 200),
    Row(rule: "no slash between", path: "/itop.txt", status: 404),
    Row(rule: "no way out of the base", path: "/i../secret.txt", status: 404),
    Row(rule: "the base itself is a directory", path: "/i", status: 404),
    Row(rule: "shorter than the prefix", path: "/", status: 404),
  ])
  func `an alias is put in place of the prefix`(_ row: Row) {
    let site = Site()
    site.folder.makeFolder("images")
    site.folder.write("images/top.txt", "top")
    site.folder.write("secret.txt", "no")
    site.folder.write("imagestop.txt", "no")
    for alias in ["images", "images/"] {
      site.install([
        FileRoute(base: .alias("\(site.folder.path)/\(alias)", prefixCount: 2))
      ])
      #expect(site.get(row.path).status == row.status, "\(row.rule)")
    }
    guard row.path.hasPrefix("/i/") else { return }
    site.install([
      FileRoute(base: .alias("\(site.folder.path)/images/", prefixCount: 3))
    ])
    #expect(site.get(row.path).status == row.status, "\(row.rule), prefix with a slash")
  }

  @Test func `an alias can be one file`() {
    let site = Site { folder in
      FileRoute(base: .alias("\(folder.path)/a.txt", prefixCount: 12))
    }
    site.folder.write("a.txt", "a")
    #expect(site.get("/favicon.ico").text == "a")
    #expect(site.get("/favicon.ico")["Content-Type"] == "text/plain")
  }

  @Test func `candidates are tried in order`() throws {
    let candidates = try ["{path}", "{path}.html", "/default.css"].map {
      try #require(PathTemplate($0))
    }
    let site = Site { FileRoute(base: .root($0.path), candidates: candidates) }
    site.folder.makeFolder("about")
    site.folder.write("about.html", "about")
    #expect(site.get("/nothing").status == 404)
    site.folder.write("default.css", "default")
    site.now += 1_500_000_000
    #expect(site.get("/nothing").text == "default")
    #expect(site.get("/nothing")["Content-Type"] == "text/css", "the type is the file's")
    #expect(site.get("/about").text == "about")
    #expect(site.get("/about")["Content-Type"] == "text/html")

    site.folder.write("nothing", "better")
    site.now += 2_500_000_000
    #expect(site.get("/nothing").text == "better", "an earlier candidate has come")
  }

  @Test func `the variable is one folder's name and part of what is remembered`() throws {
    let template = try #require(PathTemplate("/{site}/public{path}"))
    let site = Site { FileRoute(base: .root($0.path), candidates: [template]) }
    for name in ["a.example", "b.example"] {
      site.folder.makeFolder(name)
      site.folder.makeFolder("\(name)/public")
      site.folder.write("\(name)/public/x.txt", name)
    }
    site.folder.makeFolder("public")
    site.folder.write("public/x.txt", "no")
    for _ in 1...2 {
      for name in ["a.example", "b.example"] {
        site.name = name
        #expect(site.get("/x.txt").text == name)
      }
    }
    for name in [
      "c.example", "", ".", "..", "a.example/..", "a.example/../b.example", "a.example\0", "/",
    ] {
      site.name = name
      #expect(site.get("/x.txt").status == 404, "\(name)")
    }
  }

  @Test func `what a route has no variable for is no part of what is remembered`() {
    let site = Site()
    site.folder.write("a.txt", "a")
    #expect(site.get("/a.txt").wasCold)
    site.name = "other.test"
    #expect(!site.get("/a.txt").wasCold)
  }

  @Test(arguments: [
    "{", "}", "{path", "{}", "a}b", "{path}{", "{{path}}", "}{path}", "{a}{b}", "{a b}", "{A}",
  ])
  func `a template has one placeholder beside the path`(_ text: String) {
    #expect(PathTemplate(text) == nil)
  }

  @Test(arguments: [
    ("{path}", nil), ("/{host}{path}", "host"), ("/{site}/public/{site}{path}", "site"),
    ("/{var.site-1_2}", "var.site-1_2"), ("/index.html", nil),
  ])
  func `a template says which variable it wants`(_ text: String, _ variable: String?) throws {
    let template = try #require(PathTemplate(text))
    #expect(template.variable == variable)
    #expect(FileRoute(base: .root("/"), candidates: [.path, template]).variable == variable)
  }

  /// Root may read everything, so this does not run as root.
  @Test(.enabled(if: geteuid() != 0))
  func `a file that must not be read is 403`() {
    let site = Site()
    site.folder.write("a.txt", "a")
    site.folder.forbid("a.txt")
    site.folder.makeFolder("dir")
    site.folder.write("dir/a.txt", "a")
    site.folder.forbid("dir")
    defer { site.folder.allow("dir") }
    for (method, status) in [("GET", 403), ("HEAD", 403), ("POST", 403), ("PUT", 405)] {
      #expect(site.ask(method, "/a.txt").status == status, "as nginx")
      #expect(site.ask(method, "/dir/a.txt").status == 404, "nginx: try_files")
    }
  }
}
