public import Memory

/// Hands out the slots that workers count into, and writes what they have counted.
///
/// A slot belongs to a family and its labels for as long as the process runs: a route that is
/// there before and after a reload goes on counting where it was. It is used by one thread.
public final class MetricRegistry {
  private struct Series {
    let family: MetricFamily
    let labels: String
    let slot: Int
  }

  public let table: CounterTable
  private var series: [Series] = []
  private var known: [String: Int] = [:]
  private var used: Int
  /// Where counts go for which there was no slot left: they are thrown away.
  private let refuse = 0
  /// Series for which there was no slot. Only labels that never stop changing come to this.
  public private(set) var refused = 0

  public init(workers: Int, slots: Int = 8192) {
    precondition(slots > LatencyBuckets.slots)
    table = CounterTable(workers: workers, slots: slots)
    used = LatencyBuckets.slots  // the refuse is as wide as the widest
  }

  /// The slot of a counter or gauge: the same for the same family and labels.
  public func slot(_ family: MetricFamily, _ labels: MetricLabels = []) -> Int {
    precondition(family.kind != .histogram)
    return slot(family, labels, width: 1)
  }

  /// The first of the `LatencyBuckets.slots` slots of a histogram.
  public func histogram(_ family: MetricFamily, _ labels: MetricLabels = []) -> Int {
    precondition(family.kind == .histogram)
    return slot(family, labels, width: LatencyBuckets.slots)
  }

  /// The first of neighbouring slots of counters that differ in their last label.
  ///
  /// - Precondition: nobody asked for one of them alone before.
  public func slots(
    _ family: MetricFamily, _ labels: MetricLabels, last name: String, _ values: [String]
  ) -> Int {
    let all = values.map { MetricsPage.written(labels + [(name, $0)]) }
    if let first = all.first.flatMap({ known[key(family, $0)] }) { return first }
    guard used + all.count <= table.slots else {
      refused += all.count
      return refuse
    }
    let first = used
    for written in all { take(family, written, width: 1) }
    return first
  }

  private func slot(_ family: MetricFamily, _ labels: MetricLabels, width: Int) -> Int {
    let written = MetricsPage.written(labels)
    if let slot = known[key(family, written)] { return slot }
    guard used + width <= table.slots else {
      refused += 1
      return refuse
    }
    return take(family, written, width: width)
  }

  @discardableResult
  private func take(_ family: MetricFamily, _ labels: String, width: Int) -> Int {
    let slot = used
    used += width
    known[key(family, labels)] = slot
    series.append(Series(family: family, labels: labels, slot: slot))
    return slot
  }

  private func key(_ family: MetricFamily, _ labels: String) -> String {
    "\(family.name){\(labels)}"
  }

  /// Adds every series to the page, summed over workers.
  public func write(to page: inout MetricsPage) {
    for series in series {
      switch series.family.kind {
      case .counter:
        page.add(series.family, suffix: "", series.labels, "\(table.sum(series.slot))")
      case .gauge:
        let value = Int64(bitPattern: table.sum(series.slot))
        page.add(series.family, suffix: "", series.labels, "\(value)")
      case .histogram: write(series, to: &page)
      }
    }
  }

  private func write(_ series: Series, to page: inout MetricsPage) {
    let comma = series.labels.isEmpty ? "" : ","
    var count: UInt64 = 0
    for bucket in 0..<LatencyBuckets.count {
      count &+= table.sum(series.slot + bucket)
      let labels = "\(series.labels)\(comma)le=\"\(LatencyBuckets.bound(ofBucket: bucket))\""
      page.add(series.family, suffix: "_bucket", labels, "\(count)")
    }
    let sum = MetricsPage.seconds(table.sum(series.slot + LatencyBuckets.count))
    page.add(series.family, suffix: "_sum", series.labels, sum)
    page.add(series.family, suffix: "_count", series.labels, "\(count)")
  }
}
