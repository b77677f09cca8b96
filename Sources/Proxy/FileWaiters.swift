import Files
import HTTP
import Memory

/// What an exchange goes on with when a file thread has found out what it waits for.
final class FileWait: Sendable {
  let question: FileQuestion
  let request: FileRequest
  /// The media type that the answer is given; empty for the file's own.
  let type: [UInt8]
  /// The phase that it came from.
  let phase: Exchange.Phase
  /// How often a file thread has been asked for it, this time included.
  let asked: Int

  init(
    _ question: FileQuestion, _ request: FileRequest, type: [UInt8], phase: Exchange.Phase,
    asked: Int
  ) {
    self.question = question
    self.request = request
    self.type = type
    self.phase = phase
    self.asked = asked
  }
}

/// An exchange whose question has been answered, and whose turn comes later.
struct AnsweredWaiter {
  let exchange: Handle
  /// Whether nothing could be found out.
  let hasFailed: Bool
}

/// Which exchanges wait for which question to file threads: one question for all that ask the
/// same.
struct FileWaiters: ~Copyable {
  private struct List {
    var exchanges: [Handle] = []
    /// At so many it is looked for those that have gone.
    var limit = 64
  }

  private var lists: [FileQuestion.Key: List] = [:]

  /// Whether the question is on its way, whoever waits.
  func isAsked(_ question: FileQuestion.Key) -> Bool { lists[question] != nil }

  mutating func begin(_ question: FileQuestion.Key) { lists[question] = List() }

  /// - Parameter living: all exchanges. Clients that come and go while a file system hangs must
  ///   not leave a list behind that grows.
  mutating func add(
    _ exchange: Handle, to question: FileQuestion.Key, living: borrowing Slab<Exchange>
  ) {
    var list = lists.removeValue(forKey: question) ?? List()
    if list.exchanges.count >= list.limit {
      var kept: [Handle] = []
      for other in list.exchanges where living.contains(other) { kept.append(other) }
      list.exchanges = kept
      list.limit = max(64, 2 * kept.count)
    }
    list.exchanges.append(exchange)
    lists[question] = list
  }

  /// Who has waited, in the order in which they came; some may have gone.
  mutating func end(_ question: FileQuestion.Key) -> [Handle] {
    lists.removeValue(forKey: question)?.exchanges ?? []
  }
}
