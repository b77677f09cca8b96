import HTTP
import Testing

@Suite struct MediaTypesTests {
  @Test(arguments: [
    ("nginx", "/assets/desk.bundle.js", "application/javascript"),
    ("nginx", "/a.css", "text/css"), ("nginx", "/a.htm", "text/html"),
    ("nginx", "/a.svgz", "image/svg+xml"), ("nginx", "/a.xml", "text/xml"),
    ("nginx", "/a.woff2", "font/woff2"), ("nginx", "/favicon.ico", "image/x-icon"),
    ("nginx", "/a.wasm", "application/wasm"), ("nginx", "/a.ts", "video/mp2t"),
    (
      "nginx", "/a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    ("nginx: either case", "/a.HtML", "text/html"),
    ("added", "/a.mjs", "text/javascript"), ("added", "/a.js.map", "application/json"),
    ("added", "/a.webmanifest", "application/manifest+json"), ("added", "/a.ttf", "font/ttf"),
    ("added", "/a.otf", "font/otf"), ("added", "/a.csv", "text/csv"),
    ("added", "/a.md", "text/markdown"),
    ("unknown", "/a.xyz", "application/octet-stream"),
    ("no extension", "/LICENSE", "application/octet-stream"),
    ("nothing behind the dot", "/a.", "application/octet-stream"),
    ("nginx: a hidden file has none", "/.css", "application/octet-stream"),
    ("the name decides, not a folder", "/a.css/b", "application/octet-stream"),
    ("only a part of it matches", "/a.xcss", "application/octet-stream"),
    ("longer than any", "/a.abcdefghijklmnopqcss", "application/octet-stream"),
    ("empty", "", "application/octet-stream"),
  ])
  func `an extension gives the type`(_ rule: String, _ path: String, _ type: String) {
    #expect(MediaTypes().type(ofPath: path.utf8.span) == type, "\(rule)")
  }

  @Test func `the user's types win, in either case`() {
    let types = MediaTypes(overrides: ["JS": "text/javascript", "frappe": "x/y"])
    #expect(types.type(ofPath: "/a.js".utf8.span) == "text/javascript")
    #expect(types.type(ofPath: "/a.frappe".utf8.span) == "x/y")
    #expect(types.type(ofPath: "/a.css".utf8.span) == "text/css")
  }
}
