import CLibraries
import Glibc
import Memory
import Testing

@testable import Reactor

extension ByteBuffer {
  fileprivate var text: String {
    var bytes: [UInt8] = []
    for i in readable.indices { bytes.append(readable[i]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

private func filled() -> ByteBuffer {
  var buffer = ByteBuffer(capacity: 50_000)
  while buffer.space > 0 { buffer.append("7") }
  return buffer
}

@Test func `an end that is told twice loses nothing that the peer still says`() throws {
  var pair = try Pair()
  let said = Array("hello".utf8)
  let count = unsafe said.withUnsafeBytes { unsafe pair.client.write($0) }
  #expect(count == 5)
  pair.transport.endSending()
  pair.transport.endSending()
  pair.transport.note(.readable)
  var buffer = ByteBuffer(capacity: 100)
  var reading = pair.transport.receive(into: &buffer)
  if case .wouldBlock = reading { reading = pair.transport.receive(into: &buffer) }
  let heard = buffer.text
  #expect(reading == .bytes && heard == "hello")
  let end = pair.readAll()
  #expect(end.step == .ended)
}

@Test func `a close waits until what TLS holds, and its end, have gone`() throws {
  var pair = try Pair()
  var sent = 0
  let piece = filled()
  for _ in 0..<100 where pair.transport.isWritable {
    sent += try pair.transport.send(piece.readable)
  }
  let isFlushed = pair.transport.isFlushed
  #expect(!isFlushed)
  let first = pair.transport.conclude()
  #expect(!first, "a close now would be a cut")
  var heard = 0
  var step = TLSSession.Step.done
  for _ in 0..<1000 where step != .ended {
    let (bytes, last) = pair.readAll()
    heard += bytes.count
    step = last
    pair.transport.note(.writable)
  }
  #expect(heard == sent)
  #expect(step == .ended)
  let second = pair.transport.conclude()
  #expect(second)
}

@Test func `what is broken holds up no close`() throws {
  var pair = try Pair()
  let piece = filled()
  for _ in 0..<100 where pair.transport.isWritable { _ = try pair.transport.send(piece.readable) }
  _ = shutdown(pair.socket.number, Int32(SHUT_RDWR))
  pair.transport.note(.writable)
  let isDone = pair.transport.conclude()
  #expect(isDone)
}
