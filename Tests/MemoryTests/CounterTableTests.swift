import Memory
import Testing

@Test func `a slot is summed over workers and wraps for gauges`() {
  let table = CounterTable(workers: 3, slots: 4)
  table.row(ofWorker: 0).add(1)
  table.row(ofWorker: 1).add(1, 5)
  table.row(ofWorker: 2).subtract(1, 8)
  #expect(Int64(bitPattern: table.sum(1)) == -2)
  #expect(table.sum(0) == 0)
  #expect(table.value(ofWorker: 1, slot: 1) == 5)
}

@Test func `setting a slot leaves other workers and slots alone`() {
  let table = CounterTable(workers: 2, slots: 2)
  table.row(ofWorker: 0).set(1, 7)
  #expect(table.value(ofWorker: 0, slot: 1) == 7)
  #expect(table.value(ofWorker: 0, slot: 0) == 0)
  #expect(table.value(ofWorker: 1, slot: 0) == 0)
}

@Test(arguments: [
  (0, 0), (1_000_000, 0), (1_000_001, 1), (250_000_000, 7), (250_000_001, 8),
  (60_000_000_000, 14), (60_000_000_001, 15), (UInt64.max, 15),
])
func `a duration falls into the first bucket that is not below it`(
  _ nanoseconds: UInt64, _ bucket: Int
) {
  #expect(LatencyBuckets.index(ofNanoseconds: nanoseconds) == bucket)
  let table = CounterTable(workers: 1, slots: 2 * LatencyBuckets.slots)
  table.row(ofWorker: 0).observe(LatencyBuckets.slots, nanoseconds: nanoseconds)
  #expect(table.sum(LatencyBuckets.slots + bucket) == 1)
  #expect(table.sum(LatencyBuckets.slots + LatencyBuckets.count) == nanoseconds)
}
