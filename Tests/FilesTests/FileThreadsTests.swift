import Files
import HTTP
import Memory
import Reactor
import Testing

@Suite struct FileThreadsTests {
  private let folders = [Folder(), Folder()]
  private let threads = FileThreads()

  private func route(_ i: Int) -> FileRoute { FileRoute(base: .root(folders[i].path)) }

  /// Asks a directory for a file, and waits for the answer.
  private func ask(_ i: Int) {
    var server = FileServer(seed: 1)
    let number = server.install([route(i)])
    let question = server.question(
      FileRequest(method: .get), route: number, path: "/a".utf8.span, site: "".utf8.span,
      type: "".utf8.span, head: "".utf8.span, now: 0)
    let answers = WorkQueue<Void>()
    #expect(threads.answer(FileLookup(question) { _ in answers.add(()) }, FileThreadLimits()))
    _ = answers.next()
  }

  private var directories: [String] { threads.usage.map(\.directory) }

  @Test func `a directory is known as long as a route has it, and anew when it comes back`() {
    for i in 0...1 { ask(i) }
    #expect(directories == folders.map(\.path).sorted())
    // A thread that has just answered is not idle yet: give it time.
    for _ in 0..<10_000 where directories.count > 1 {
      threads.keep([route(0)])
      ask(0)
    }
    #expect(directories == [folders[0].path])
    ask(1)
    #expect(directories == folders.map(\.path).sorted())
  }
}
