import Memory
import Testing

/// `#expect` cannot look into what is not copyable: it is handed the copyable answer.
private func equal<T: Equatable>(
  _ got: T, _ expected: T, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(got == expected, sourceLocation: sourceLocation)
}

private func text(_ bytes: Span<UInt8>) -> String {
  var out: [UInt8] = []
  for i in bytes.indices { out.append(bytes[i]) }
  return String(decoding: out, as: UTF8.self)
}

@Test func `what is appended is read in order`() {
  var buffer = ByteBuffer(capacity: 16)
  buffer.append("GET ")
  buffer.append(47)
  equal(text(buffer.readable), "GET /")
  buffer.consume(4)
  equal(text(buffer.readable), "/")
  equal(buffer.space, 11)
  buffer.compact()
  equal(buffer.space, 15)
  equal(text(buffer.readable), "/")
}

@Test(
  arguments: [
    (0, "0"), (9, "9"), (10, "10"), (99, "99"), (100, "100"), (999, "999"), (1000, "1000"),
    (9_999, "9999"), (10_000, "10000"), (12_345_678_901, "12345678901"),
    (9_999_999_999_999_999_999, "9999999999999999999"),
    (10_000_000_000_000_000_000, "10000000000000000000"), (UInt64.max, "18446744073709551615"),
  ] as [(UInt64, String)])
func `a decimal number has no leading zero`(number: UInt64, expected: String) {
  var buffer = ByteBuffer(capacity: 20)
  buffer.append(decimal: number)
  equal(text(buffer.readable), expected)
}

@Test func `a decimal number has as many digits as it takes at every power of ten`() {
  var power: UInt64 = 1
  for zeros in 0..<20 {
    for number in [power, power - 1] {
      var buffer = ByteBuffer(capacity: 20)
      buffer.append(decimal: number)
      equal(text(buffer.readable), "\(number)")
    }
    if zeros < 19 { power *= 10 }
  }
}

@Test func `thousandths have all three digits`() {
  for number in 0..<1000 {
    var buffer = ByteBuffer(capacity: 3)
    buffer.append(thousandths: UInt64(number))
    equal(text(buffer.readable), String("\(1000 + number)".dropFirst()))
  }
}

@Test(
  arguments: [
    (0, 1, "0"), (255, 1, "ff"), (255, 4, "00ff"), (UInt64.max, 1, "ffffffffffffffff"),
    (0x1a2b, 16, "0000000000001a2b"), (0x0123_4567_89ab_cdef, 16, "0123456789abcdef"),
    (1, 20, "00000000000000000001"),
  ] as [(UInt64, Int, String)])
func `a hexadecimal number is as wide as asked`(number: UInt64, width: Int, expected: String) {
  var buffer = ByteBuffer(capacity: 20)
  buffer.append(hexadecimal: number, width: width)
  equal(text(buffer.readable), expected)
}

@Test func `skipped bytes can still be looked up`() {
  var buffer = ByteBuffer(capacity: 8)
  buffer.append("abcd")
  buffer.skip(4)
  equal(buffer.isEmpty, true)
  equal(text(buffer.written), "abcd")
}

@Test func `a pool hands out the buffer given last, emptied`() {
  var pool = BufferPool(bufferCapacity: 8, keptLimit: 2)
  var buffer = pool.take()
  buffer.append("x")
  equal(pool.lent, 1)
  pool.give(buffer)
  equal(pool.lent, 0)
  equal(pool.kept, 1)
  let again = pool.take()
  equal(again.isEmpty, true)
  equal(pool.kept, 0)
  pool.give(again)
}
