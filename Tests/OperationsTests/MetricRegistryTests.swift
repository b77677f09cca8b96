import Memory
import Operations
import Testing

private let requests = MetricFamily(.counter, "martlet_http_requests_total", "Requests answered.")
private let open = MetricFamily(.gauge, "martlet_connections", "Connections open.")
private let duration = MetricFamily(
  .histogram, "martlet_http_request_duration_seconds", "From the first byte to the last.")

private func text(_ registry: MetricRegistry) -> String {
  var page = MetricsPage()
  registry.write(to: &page)
  return page.text
}

@Test func `series are grouped by family and summed over workers`() {
  let registry = MetricRegistry(workers: 2)
  let api = registry.slot(requests, [("route", "api"), ("code", "2xx")])
  let connections = registry.slot(open)
  let web = registry.slot(requests, [("route", "w\"e\\b\n"), ("code", "5xx")])
  registry.table.row(ofWorker: 0).add(api, 3)
  registry.table.row(ofWorker: 1).add(api, 4)
  registry.table.row(ofWorker: 1).add(web)
  registry.table.row(ofWorker: 0).subtract(connections, 2)
  #expect(
    text(registry) == #"""
      # HELP martlet_http_requests_total Requests answered.
      # TYPE martlet_http_requests_total counter
      martlet_http_requests_total{route="api",code="2xx"} 7
      martlet_http_requests_total{route="w\"e\\b\n",code="5xx"} 1
      # HELP martlet_connections Connections open.
      # TYPE martlet_connections gauge
      martlet_connections -2

      """#)
}

@Test func `a series keeps its slot when it is asked for again`() {
  let registry = MetricRegistry(workers: 1)
  let first = registry.slot(requests, [("route", "a")])
  let base = registry.slots(requests, [("route", "b")], last: "code", ["1xx", "2xx"])
  let other = registry.slot(requests, [("route", "c")])
  #expect(base == first + 1)
  #expect(other == base + 2)
  #expect(registry.slot(requests, [("route", "a")]) == first)
  #expect(registry.slots(requests, [("route", "b")], last: "code", ["1xx", "2xx"]) == base)
  #expect(registry.slot(open, [("route", "a")]) != first)
}

@Test func `a histogram's buckets add up and its sum is in seconds`() {
  let registry = MetricRegistry(workers: 2)
  let base = registry.histogram(duration, [("route", "api")])
  registry.table.row(ofWorker: 0).observe(base, nanoseconds: 500_000)
  registry.table.row(ofWorker: 1).observe(base, nanoseconds: 40_000_000)
  registry.table.row(ofWorker: 1).observe(base, nanoseconds: 61_000_000_000)
  let lines = text(registry).split(separator: "\n").map(String.init)
  let name = "martlet_http_request_duration_seconds"
  #expect(lines[1] == "# TYPE \(name) histogram")
  #expect(lines[2] == #"\#(name)_bucket{route="api",le="0.001"} 1"#)
  #expect(lines.contains(#"\#(name)_bucket{route="api",le="0.025"} 1"#))
  #expect(lines.contains(#"\#(name)_bucket{route="api",le="0.05"} 2"#))
  #expect(lines.contains(#"\#(name)_bucket{route="api",le="60"} 2"#))
  #expect(lines.contains(#"\#(name)_bucket{route="api",le="+Inf"} 3"#))
  #expect(
    lines.suffix(2) == [
      #"\#(name)_sum{route="api"} 61.0405"#, #"\#(name)_count{route="api"} 3"#,
    ])
}

@Test func `labels without end cost their counts, not memory`() {
  let registry = MetricRegistry(workers: 1, slots: LatencyBuckets.slots + 2)
  _ = registry.slot(requests, [("route", "a")])
  let second = registry.slot(requests, [("route", "b")])
  let third = registry.slot(requests, [("route", "c")])
  let fourth = registry.histogram(duration)
  #expect(registry.refused == 2)
  registry.table.row(ofWorker: 0).add(third)
  registry.table.row(ofWorker: 0).observe(fourth, nanoseconds: .max)
  registry.table.row(ofWorker: 0).add(second)
  #expect(!text(registry).contains("route=\"c\""))
  #expect(text(registry).contains("{route=\"b\"} 1\n"))
}

@Test func `numbers are written whole when they are`() {
  var page = MetricsPage()
  page.add(open, [], 3.0)
  page.add(open, [("kind", "x")], 0.25)
  #expect(page.text.hasSuffix("martlet_connections 3\nmartlet_connections{kind=\"x\"} 0.25\n"))
}
