import Memory
import Testing

@Suite struct CrewQueueTests {
  @Test func `threads are wanted up to their limit, and then work waits up to its bound`() {
    let queue = CrewQueue<Int>(patience: 60)
    var admissions: [CrewQueue<Int>.Admission] = []
    for i in 0..<5 { admissions.append(queue.add(i, threads: 2, waiting: 2)) }
    #expect(admissions == [.takenByNewcomer, .takenByNewcomer, .taken, .taken, .refused])
    #expect(queue.waiting == 4)
  }

  @Test func `work is taken in order, and a thread that is free takes more`() {
    let queue = CrewQueue<Int>(patience: 60)
    for i in 0..<3 { _ = queue.add(i, threads: 1, waiting: 2) }
    #expect(queue.next(isNew: true) == 0)
    #expect(queue.add(3, threads: 1, waiting: 2) == .refused, "the thread is busy")
    #expect(queue.next(isNew: false) == 1)
    #expect(queue.add(3, threads: 1, waiting: 2) == .taken)
    #expect(queue.next(isNew: false) == 2)
    #expect(queue.next(isNew: false) == 3)
  }

  @Test func `a thread that has waited for nothing ends, and another is wanted then`() {
    let queue = CrewQueue<Int>(patience: 0)
    #expect(queue.add(0, threads: 1, waiting: 1) == .takenByNewcomer)
    #expect(queue.next(isNew: true) == 0)
    #expect(queue.next(isNew: false) == nil)
    #expect(queue.add(1, threads: 1, waiting: 1) == .takenByNewcomer)
  }

  @Test func `what no thread will ever take is given back`() {
    let queue = CrewQueue<Int>(patience: 60)
    _ = queue.add(0, threads: 2, waiting: 9)
    _ = queue.add(1, threads: 2, waiting: 9)
    #expect(queue.newcomerFailed() == [], "the other thread takes it")
    #expect(queue.newcomerFailed() == [0, 1])
    #expect(queue.waiting == 0)
    #expect(queue.add(2, threads: 2, waiting: 9) == .takenByNewcomer)
  }

  @Test func `a closed queue is emptied before its threads end`() {
    let queue = CrewQueue<Int>(patience: 60)
    _ = queue.add(0, threads: 1, waiting: 9)
    queue.close()
    #expect(queue.next(isNew: true) == 0)
    #expect(queue.next(isNew: false) == nil)
  }

  private final class Load: Sendable {}

  @Test func `what was taken is nobody's but the taker's, whatever still waits`() throws {
    let queue = CrewQueue<Load>(patience: 60)
    for _ in 0..<2 { _ = queue.add(Load(), threads: 1, waiting: 9) }
    var load = queue.next(isNew: true)
    weak let taken = load
    #expect(taken != nil)
    load = nil
    #expect(taken == nil, "it would end under the lock, when the last of the others is taken")
    #expect(queue.waiting == 1)
  }

  @Test func `a queue that never empties stays in order`() {
    let queue = CrewQueue<Int>(patience: 60)
    for i in 0..<3 { _ = queue.add(i, threads: 1, waiting: 9) }
    for i in 0..<5000 {
      #expect(queue.next(isNew: i == 0) == i)
      _ = queue.add(i + 3, threads: 1, waiting: 9)
      #expect(queue.waiting == 3)
    }
  }
}
