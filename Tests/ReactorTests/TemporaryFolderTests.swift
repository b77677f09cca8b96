import Memory
import Reactor
import Testing

struct TemporaryFolderTests {
  /// Whether files can be made in the folder at `path`.
  private func exists(_ path: String) -> Bool {
    (try? Syscalls.namelessFile(in: path)) != nil
  }

  @Test func `a folder goes with its owner, and all that was put into it`() throws {
    var path = ""
    do {
      var folder = try TemporaryFolder(prefix: "martlet-test")
      try folder.makeFolder("a")
      try folder.makeFolder("a/b")
      try folder.write("text", to: "a/b/c.txt")
      path = folder.path
      #expect(exists(path + "/a/b"))
    }
    #expect(!path.isEmpty)
    #expect(!exists(path))
  }

  @Test func `two folders do not share a name`() throws {
    let one = try TemporaryFolder(prefix: "martlet-test")
    let other = try TemporaryFolder(prefix: "martlet-test")
    let paths = (one.path, other.path)
    #expect(paths.0 != paths.1)
  }

  @Test func `a file is not written twice`() throws {
    var folder = try TemporaryFolder(prefix: "martlet-test")
    try folder.write("one", to: "file")
    var refused = false
    do throws(SystemError) { try folder.write("two", to: "file") } catch { refused = true }
    #expect(refused)
  }

  @Test func `there is no folder where there is no parent`() {
    var refused = false
    do throws(SystemError) {
      _ = try TemporaryFolder(in: "/nowhere", prefix: "martlet-test")
    } catch {
      refused = error.isNotFound
    }
    #expect(refused)
  }
}
