import Operations
import Reactor
import Synchronization
import Testing

private func read(_ path: String) -> String { (try? TextFile.read(path, limit: 1 << 20)) ?? "" }

private func submit(_ line: String, to writer: AccessLogWriter) -> Bool {
  var buffer = writer.queue.emptyBuffer()
  buffer.append(text: line)
  return writer.queue.submit(&buffer)
}

@Test func `batches reach the file in order and the end is told`() throws {
  let folder = ScratchFolder()
  let ended = Atomic(false)
  let log = RecordedLog()
  let writer = try AccessLogWriter(to: .file(folder.path("access")), logger: log.logger) {
    ended.store(true, ordering: .releasing)
  }
  #expect(submit("one\n", to: writer))
  #expect(submit("two\n", to: writer))
  writer.close()
  #expect(eventually { ended.load(ordering: .acquiring) })
  #expect(read(folder.path("access")) == "one\ntwo\n")
  #expect(!submit("late\n", to: writer))
  #expect(log.all.isEmpty)
}

@Test func `a renamed file is opened anew when asked`() throws {
  let folder = ScratchFolder()
  let writer = try AccessLogWriter(to: .file(folder.path("access")), logger: RecordedLog().logger) {
  }
  #expect(submit("old\n", to: writer))
  #expect(eventually { read(folder.path("access")) == "old\n" })
  folder.move("access", to: "access.1")
  writer.reopen()
  #expect(submit("new\n", to: writer))
  #expect(eventually { read(folder.path("access")) == "new\n" })
  #expect(read(folder.path("access.1")) == "old\n")
  writer.close()
}

@Test func `a destination that cannot be opened leaves the old one in place`() throws {
  let folder = ScratchFolder()
  let log = RecordedLog()
  let writer = try AccessLogWriter(to: .file(folder.path("access")), logger: log.logger) {}
  writer.reopen(.file("/nowhere/access"))
  #expect(submit("line\n", to: writer))
  #expect(eventually { read(folder.path("access")) == "line\n" })
  #expect(
    log.all == [
      "error access log: cannot open /nowhere/access: "
        + "open: No such file or directory (ENOENT); the old one goes on"
    ])
  writer.close()
}

@Test func `lines lost to a full disk are reported once`() throws {
  let log = RecordedLog()
  let ended = Atomic(false)
  let writer = try AccessLogWriter(to: .file("/dev/full"), logger: log.logger) {
    ended.store(true, ordering: .releasing)
  }
  #expect(submit("one\n", to: writer))
  #expect(submit("two\n", to: writer))
  writer.close()
  #expect(eventually { ended.load(ordering: .acquiring) })
  #expect(
    log.all == [
      "error access log: lines are lost: write: No space left on device (ENOSPC)"
    ])
}

@Test func `a destination that cannot be opened at the start is an error`() {
  #expect(throws: SystemError.self) {
    _ = try AccessLogWriter(to: .file("/nowhere/access"), logger: RecordedLog().logger) {}
  }
}
