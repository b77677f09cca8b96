import Reactor

/// The files of the demo in a folder laid out as Frappe's `sites`: assets under names that carry
/// a digest of their content, so that they may be cached for good.
struct DemoSite: ~Copyable, Sendable {
  /// Where a page finds them.
  struct Paths: Sendable {
    var style: String
    var script: String
  }

  private let folder: TemporaryFolder
  let paths: Paths

  /// The `sites` folder.
  var path: String { folder.path }

  init() throws(SystemError) {
    paths = Paths(
      style: "/assets/demo/dist/css/demo.bundle.\(Self.mark(Page.style)).css",
      script: "/assets/demo/dist/js/demo.bundle.\(Self.mark(Page.script)).js")
    folder = try Self.folder(paths)
  }

  private static func folder(_ paths: Paths) throws(SystemError) -> TemporaryFolder {
    var folder = try TemporaryFolder(prefix: "martlet-demo")
    for name in ["", "/demo", "/demo/dist", "/demo/dist/css", "/demo/dist/js"] {
      try folder.makeFolder("assets\(name)")
    }
    for name in ["localhost", "localhost/public"] { try folder.makeFolder(name) }
    try folder.write(Page.style, to: String(paths.style.dropFirst()))
    try folder.write(Page.script, to: String(paths.script.dropFirst()))
    return folder
  }

  private static func mark(_ text: String) -> String {
    hexadecimal(SHA1.digest(of: text.utf8.span).prefix(4)).uppercased()
  }
}
