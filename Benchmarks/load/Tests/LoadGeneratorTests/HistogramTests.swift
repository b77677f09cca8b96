import LoadGenerator
import Testing

@Test func `a value alone is told exactly`() {
  var histogram = Histogram()
  histogram.record(123_456_789)
  #expect(histogram.percentile(0.5) == 123_456_789)
  #expect(histogram.maximum == 123_456_789)
}

@Test func `no value is told with an error above 1 percent, whatever its size`() {
  var random = RandomSource(seed: 7)
  for bits in 0..<40 {
    for _ in 0..<200 {
      let value = UInt64(1) << UInt64(bits) | random.next() & (1 << UInt64(bits) - 1)
      var histogram = Histogram()
      histogram.record(value)
      histogram.record(Histogram.limit)
      let told = histogram.percentile(0.5)
      let error = abs(Double(told) - Double(value)) / Double(value)
      #expect(error <= 0.004, "\(value) is told as \(told)")
    }
  }
}

@Test func `percentiles are those of the sorted values`() {
  var random = RandomSource(seed: 3)
  var histogram = Histogram()
  var values: [UInt64] = []
  for _ in 0..<50_000 {
    let value = 1000 + random.next() % (1 << (10 + random.next() % 20))
    values.append(value)
    histogram.record(value)
  }
  values.sort()
  for share in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1] {
    let rank = max(1, Int((share * 50_000).rounded(.up)))
    let right = Double(values[rank - 1])
    #expect(abs(Double(histogram.percentile(share)) - right) <= right * 0.01, "\(share)")
  }
}

@Test func `a sum of histograms holds what both held`() {
  var a = Histogram()
  var b = Histogram()
  for value in 1...50 { a.record(UInt64(value)) }
  for value in 51...100 { b.record(UInt64(value)) }
  a.add(b)
  #expect(a.count == 100)
  #expect(a.percentile(0.75) == 75)
  #expect(a.maximum == 100)
}

@Test func `nothing recorded has no percentiles, and values beyond the limit count as it`() {
  var histogram = Histogram()
  #expect(histogram.percentile(0.99) == 0)
  histogram.record(.max)
  histogram.record(.max)
  let told = Double(histogram.percentile(0.1))
  #expect(abs(told - Double(Histogram.limit)) < 0.004 * Double(Histogram.limit))
}
