import Operations
import Testing

private func status(_ change: (inout ProcessStatus) -> Void) -> ProcessStatus {
  var status = ProcessStatus(
    now: 100_000_000_000, workers: [.init(lastTurn: 99_500_000_000)], isConfigured: true,
    isDraining: false, pools: [.init(name: "web", isRequired: true, up: 1, count: 2)])
  change(&status)
  return status
}

@Test func `a process that is well says so`() {
  let status = status { _ in }
  #expect(status.liveness == .json(200, "{\"live\":true}\n"))
  #expect(
    status.readiness == .json(200, #"{"ready":true,"pools":{"web":{"up":1,"of":2}}}"# + "\n"))
}

@Test func `a worker that does not turn is named, and one that is merely slow is not`() {
  let stuck = status { $0.workers.append(.init(lastTurn: 88_000_000_000)) }
  #expect(
    stuck.liveness
      == .json(503, #"{"live":false,"reasons":["worker 1: no turn for 12 s"]}"# + "\n"))
  #expect(status { $0.workers.append(.init(lastTurn: 90_000_000_000)) }.liveness.status == 200)
  #expect(status { $0.workers.append(.init(lastTurn: 101_000_000_000)) }.liveness.status == 200)
}

@Test func `liveness does not depend on servers or draining`() {
  let status = status {
    $0.isDraining = true
    $0.isConfigured = false
    $0.pools[0].up = 0
  }
  #expect(status.liveness.status == 200)
  #expect(status.readiness.status == 503)
  #expect(
    status.unready == [
      "configuration not loaded", "draining", "pool web: none of 2 servers is up",
    ])
}

@Test func `servers whose site is maintained are counted where there are any`() {
  let status = status { $0.pools[0].maintained = 1 }
  #expect(
    status.readiness
      == .json(200, #"{"ready":true,"pools":{"web":{"up":1,"of":2,"maintenance":1}}}"# + "\n"))
}

@Test func `a pool that is not required may be down`() {
  let status = status {
    $0.pools.append(.init(name: "we\"b", isRequired: false, up: 0, count: 1))
  }
  #expect(
    status.readiness
      == .json(
        200,
        #"{"ready":true,"pools":{"web":{"up":1,"of":2},"we\"b":{"up":0,"of":1}}}"# + "\n"))
}
