import Reactor
import Synchronization
import Testing

@testable import Operations

/// A file system of names and versions.
private func sights(_ files: KeyValuePairs<String, Int?>) -> FileSights {
  files.map { path, version in
    FileSight(
      path,
      version.map { version in
        FileStatus(
          device: 1, inode: UInt64(version), size: 10, modifiedSeconds: 0, modifiedNanoseconds: 0,
          changedSeconds: 0, changedNanoseconds: 0, isRegular: true)
      })
  }
}

@Test func `a change counts when two looks agree on it, and once`() {
  var watch = FileWatch(sights(["a": 1]))
  #expect(watch.see(sights(["a": 1])) == [])
  #expect(watch.see(sights(["a": 2])) == [], "it may still be being written")
  #expect(watch.see(sights(["a": 3])) == [], "indeed")
  #expect(watch.see(sights(["a": 3])) == ["a"])
  #expect(watch.see(sights(["a": 3])) == [])
}

@Test func `what is as it was before is no change`() {
  var watch = FileWatch(sights(["a": 1]))
  #expect(watch.see(sights(["a": 2])) == [])
  #expect(watch.see(sights(["a": 1])) == [])
  #expect(watch.see(sights(["a": 2])) == [])
}

@Test func `a file that is gone, and one that comes back, are changes`() {
  var watch = FileWatch(sights(["a": 1, "secret": 1]))
  #expect(watch.see(sights(["a": 1, "secret": nil])) == [])
  #expect(watch.see(sights(["a": 1, "secret": nil])) == ["secret"])
  #expect(watch.see(sights(["a": 1, "secret": 2])) == [])
  #expect(watch.see(sights(["a": 1, "secret": 2])) == ["secret"])
}

@Test func `what a reload has read is no change afterwards`() {
  var watch = FileWatch(sights(["a": 1]))
  #expect(watch.see(sights(["a": 2])) == [])
  watch.taken(sights(["a": 2, "b": 1]))
  #expect(watch.see(sights(["a": 2])) == [], "a look from before the reload, come late")
  #expect(watch.see(sights(["a": 2, "b": 1])) == [])
  #expect(watch.see(sights(["a": 2, "b": 1])) == [])
}

@Test func `a load notes the file and its secrets as they were when they were read`() {
  let folder = ScratchFolder()
  folder.write("a secret", to: "secret")
  let secret = folder.path("secret")
  let text = "listen: ${file:\(secret)}\nlog: {access: \"${file:/nowhere}\"}\n"
  folder.write(text, to: "martlet.yaml")
  let source = ConfigurationSource.file(folder.path("martlet.yaml"))
  var files: FileSights = []
  _ = source.load(noting: &files)
  #expect(files.map(\.path) == [folder.path("martlet.yaml"), secret, "/nowhere"])
  #expect(files.map { $0.status == nil } == [false, false, true])
  #expect(files.first?.status?.inode != files[1].status?.inode)
}

@Test func `a text has no file to be watched`() {
  var files: FileSights = []
  _ = ConfigurationSource.text("listen: :80", name: "t").load(noting: &files)
  #expect(files.isEmpty)
}
