import HTTP
import Testing

@Suite struct ByteRangesTests {
  struct Row: Sendable {
    var rule: String
    var field: String
    var size = 20
    var gives: ByteRanges
  }

  private static func one(_ offset: Int, _ count: Int) -> ByteRanges {
    .single(ByteRange(offset: offset, count: count))
  }

  private static func several(_ pairs: (Int, Int)...) -> ByteRanges {
    .several(pairs.map { ByteRange(offset: $0.0, count: $0.1) })
  }

  /// Every row was compared with nginx 1.22.1.
  @Test(arguments: [
    Row(rule: "§14.1.2 first and last", field: "bytes=0-4", gives: one(0, 5)),
    Row(rule: "§14.1.2 one byte", field: "bytes=19-19", gives: one(19, 1)),
    Row(rule: "§14.1.2 up to the end", field: "bytes=5-", gives: one(5, 15)),
    Row(rule: "§14.1.2 cut at the end", field: "bytes=0-100", gives: one(0, 20)),
    Row(rule: "§14.1.2 suffix", field: "bytes=-3", gives: one(17, 3)),
    Row(rule: "§14.1.2 suffix beyond the size", field: "bytes=-25", gives: one(0, 20)),
    Row(rule: "§14.1.2 suffix of nothing", field: "bytes=-0", gives: .unsatisfiable),
    Row(rule: "§14.1.2 behind the end", field: "bytes=20-", gives: .unsatisfiable),
    Row(rule: "§14.1.2 last before first", field: "bytes=4-2", gives: .unsatisfiable),
    Row(rule: "leading zeros", field: "bytes=00-004", gives: one(0, 5)),
    Row(rule: "§14.1 unit in either case", field: "BYTES=0-4", gives: one(0, 5)),
    Row(rule: "§14.2 another unit", field: "items=0-4", gives: .whole),
    Row(rule: "no unit", field: "0-4", gives: .whole),
    Row(rule: "blank before =", field: "bytes =0-4", gives: .whole),
    Row(rule: "nothing behind =", field: "bytes=", gives: .whole),
    Row(rule: "blanks", field: "bytes= 0 - 4 , 6-7", gives: several((0, 5), (6, 2))),
    Row(rule: "two", field: "bytes=0-0,2-3", gives: several((0, 1), (2, 2))),
    Row(rule: "§14.2 in the order asked", field: "bytes=-1,0-0", gives: several((19, 1), (0, 1))),
    Row(rule: "overlapping, small", field: "bytes=0-4,2-6", gives: several((0, 5), (2, 5))),
    Row(rule: "more than the whole", field: "bytes=0-9,5-19", gives: .whole),
    Row(
      rule: "no more than the whole", field: "bytes=0-9,10-19", gives: several((0, 10), (10, 10))),
    Row(rule: "one satisfiable", field: "bytes=0-4,30-40", gives: one(0, 5)),
    Row(rule: "one turned round", field: "bytes=0-4,4-2", gives: one(0, 5)),
    Row(rule: "none satisfiable", field: "bytes=30-40,50-", gives: .unsatisfiable),
    Row(rule: "comma at the end", field: "bytes=0-4,", gives: .unsatisfiable),
    Row(rule: "comma at the start", field: "bytes=,0-4", gives: .unsatisfiable),
    Row(rule: "letters", field: "bytes=a-b", gives: .unsatisfiable),
    Row(rule: "letters behind", field: "bytes=0-4x", gives: .unsatisfiable),
    Row(rule: "a sign", field: "bytes=+1-2", gives: .unsatisfiable),
    Row(rule: "a lone number", field: "bytes=0", gives: .unsatisfiable),
    Row(rule: "a lone dash", field: "bytes=-", gives: .unsatisfiable),
    Row(rule: "blank in a suffix", field: "bytes=- 3", gives: .unsatisfiable),
    Row(
      rule: "a number of 64 bits", field: "bytes=0-9223372036854775808", gives: .unsatisfiable),
    Row(rule: "a number of 63 bits", field: "bytes=0-9223372036854775807", gives: one(0, 20)),
    Row(rule: "a long suffix", field: "bytes=-99999999999999999999", gives: .unsatisfiable),
    Row(rule: "of nothing", field: "bytes=0-0", size: 0, gives: .whole),
    Row(rule: "suffix of nothing at all", field: "bytes=-5", size: 0, gives: .whole),
    Row(
      rule: "sizes of 63 bits", field: "bytes=0-,0-", size: .max, gives: .whole),
  ])
  func `a Range field is read`(_ row: Row) {
    #expect(ByteRanges.parse(row.field.utf8.span, size: row.size) == row.gives, "\(row.rule)")
  }

  @Test func `more parts than the limit are the whole, no more are parts`() {
    let field = "bytes=" + (0..<4).map { "\($0)-\($0)" }.joined(separator: ",")
    let expected = (0..<4).map { ByteRange(offset: $0, count: 1) }
    #expect(ByteRanges.parse(field.utf8.span, size: 20, limit: 4) == .several(expected))
    #expect(ByteRanges.parse(field.utf8.span, size: 20, limit: 3) == .whole)
  }

  @Test func `whatever is asked, parts lie within the size and are no more than the whole`() {
    var generator = Noise(state: 1)
    for _ in 0..<20_000 {
      let size = Int(generator.next() % 40)
      let field = "bytes=" + generator.text(of: "0123456789-, x", count: 24)
      let parts: [ByteRange]
      switch ByteRanges.parse(field.utf8.span, size: size) {
      case .whole, .unsatisfiable: continue
      case .single(let part): parts = [part]
      case .several(let several):
        #expect(several.count > 1)
        parts = several
      }
      let isWithin = parts.allSatisfy {
        $0.offset >= 0 && $0.count > 0 && $0.offset + $0.count <= size
      }
      #expect(isWithin, "\(field) of \(size)")
      #expect(parts.reduce(0) { $0 + $1.count } <= size, "\(field) of \(size)")
    }
  }

  @Test func `no field value brings a reader down`() {
    var generator = Noise(state: 2)
    for _ in 0..<20_000 {
      let list = generator.text(of: "gzipbr*;q=.01, \t\"W/", count: 20)
      _ = ContentNegotiation.accepts(.gzip, list.utf8.span)
      _ = ContentNegotiation.accepts(.brotli, list.utf8.span)
      _ = ContentNegotiation.prefersJSON(list.utf8.span)
      _ = EntityTag.isListed("W/\"b\"".utf8.span, in: list.utf8.span, by: .weak)
      let date = generator.text(of: "SunNov,- :0123456789", count: 32)
      _ = HTTPDate.parse(date.utf8.span)
      var conditions = Conditions()
      conditions.ifRange = 0..<list.utf8.count
      _ = conditions.rangeApplies(
        in: list.utf8.span, tag: "\"b\"".utf8.span, modified: HTTPDate(seconds: 0))
    }
  }

  /// The same bytes on every run.
  private struct Noise {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }

    mutating func text(of letters: String, count: Int) -> String {
      let letters = Array(letters)
      return String(
        (0..<next() % UInt64(count)).map { _ in letters[Int(next() % UInt64(letters.count))] })
    }
  }
}
