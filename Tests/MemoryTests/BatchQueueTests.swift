import Memory
import Testing

private func text(_ turn: consuming BatchQueue.Turn) -> String {
  switch consume turn {
  case .batch(let buffer):
    var bytes: [UInt8] = []
    for i in buffer.readable.indices { bytes.append(buffer.readable[i]) }
    return String(decoding: bytes, as: UTF8.self)
  case .nudged: return "nudged"
  case .closed: return "closed"
  }
}

@Test func `batches come out in order and the writer gets an empty buffer each time`() {
  let queue = BatchQueue(limit: 4, bufferCapacity: 16)
  var buffer = queue.emptyBuffer()
  for line in ["one", "two"] {
    buffer.append(text: line)
    let taken = queue.submit(&buffer)
    #expect(taken)
    let left = buffer.count
    #expect(left == 0)
  }
  #expect(text(queue.next()) == "one")
  #expect(text(queue.next()) == "two")
}

@Test func `a full queue drops the batch instead of making its writer wait`() {
  let queue = BatchQueue(limit: 1, bufferCapacity: 16)
  var buffer = queue.emptyBuffer()
  buffer.append("kept")
  #expect(Bool(queue.submit(&buffer)))
  buffer.append("lost")
  #expect(!Bool(queue.submit(&buffer)))
  let left = buffer.count
  #expect(left == 0)
  #expect(text(queue.next()) == "kept")
  buffer.append("kept again")
  #expect(Bool(queue.submit(&buffer)))
  #expect(text(queue.next()) == "kept again")
}

@Test func `a nudge is answered once and a closed queue gives what waits first`() {
  let queue = BatchQueue(limit: 2, bufferCapacity: 16)
  var buffer = queue.emptyBuffer()
  buffer.append("last")
  #expect(Bool(queue.submit(&buffer)))
  queue.nudge()
  queue.close()
  buffer.append("late")
  #expect(!Bool(queue.submit(&buffer)))
  #expect(text(queue.next()) == "nudged")
  #expect(text(queue.next()) == "last")
  #expect(text(queue.next()) == "closed")
}

@Test func `what other threads submit all reaches the reader`() async {
  let queue = BatchQueue(limit: 64, bufferCapacity: 16)
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<4 {
      group.addTask {
        var buffer = queue.emptyBuffer()
        for _ in 0..<10 {
          buffer.append("x")
          _ = queue.submit(&buffer)
        }
      }
    }
    await group.waitForAll()
  }
  queue.close()
  var count = 0
  while text(queue.next()) == "x" { count += 1 }
  #expect(count == 40)
}
