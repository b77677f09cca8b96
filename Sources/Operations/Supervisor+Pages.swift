import Memory
import Reactor

// What the admin listener shows.
extension Supervisor {
  func answer(_ request: AdminRequest, _ clock: Clock) -> AdminResponse {
    switch request.path {
    case "/livez": processStatus(clock).liveness
    case "/readyz": processStatus(clock).readiness
    case "/metrics": AdminResponse(contentType: MetricsPage.contentType, body: metrics(clock))
    case "/": .text(200, Self.index)
    default: .text(404, "not found\n\n\(Self.index)")
    }
  }

  private static let index = """
    /livez    200 while the workers' loops turn
    /readyz   200 while requests are welcome, else the reasons
    /metrics  for Prometheus

    """

  private func processStatus(_ clock: Clock) -> ProcessStatus {
    ProcessStatus(
      now: clock.now, workers: workers.status(now: clock.now), isConfigured: true,
      isDraining: !shutdown.isRunning, pools: poolStatus)
  }

  private func metrics(_ clock: Clock) -> String {
    var page = MetricsPage()
    registry.write(to: &page)
    writeServers(to: &page)
    page.add(Metrics.spillBytes, [], Int64(spill.budget.inUse))
    page.add(Metrics.spillRefused, [], Int64(spill.budget.refusals))
    writeFiles(to: &page)
    page.add(Metrics.reloads, [("result", "success")], Int64(reloads.succeeded))
    page.add(Metrics.reloads, [("result", "failure")], Int64(reloads.failed))
    page.add(Metrics.reloadSuccessful, [], Int64(lastReloadSucceeded ? 1 : 0))
    page.add(Metrics.reloadTime, [], Double(lastReload / 1_000_000) / 1000)
    page.add(Metrics.workers, [], Int64(workers.count))
    page.add(Metrics.build, [("version", setting.version)], Int64(1))
    page.add(Metrics.discarded, [], Int64(registry.refused))
    writeProcess(to: &page)
    return page.text
  }

  private func writeServers(to page: inout MetricsPage) {
    let maintained = prober.maintained
    for (pool, servers) in zip(configuration.pools, roster.servers) {
      for server in servers {
        let labels = [(name: "pool", value: pool.name), (name: "server", value: server.name)]
        let slot = server.slot
        let isUp = ServerRoster.isUp(directory.cells[slot])
        let isMaintained = isUp && maintained.contains(slot)
        page.add(Metrics.serverUp, labels, Int64(isUp ? 1 : 0))
        page.add(Metrics.serverMaintenance, labels, Int64(isMaintained ? 1 : 0))
        page.add(Metrics.serverInFlight, labels, Int64(directory.cells[slot].inFlight))
        page.add(Metrics.serverEjected, labels, Int64(directory.cells[slot].isEjected ? 1 : 0))
        page.add(
          Metrics.serverEjections, labels, Int64(ejections[pool.name]?[server.name] ?? 0))
      }
    }
  }

  private func writeFiles(to page: inout MetricsPage) {
    for usage in files.usage {
      let labels = [(name: "directory", value: usage.directory)]
      page.add(Metrics.fileJobs, labels, Int64(usage.done))
      page.add(Metrics.fileSeconds, labels, Double(usage.busy / 1_000_000) / 1000)
      page.add(Metrics.fileWaiting, labels, Int64(usage.waiting))
      page.add(Metrics.fileRefused, labels, Int64(usage.refused))
    }
  }

  private func writeProcess(to page: inout MetricsPage) {
    page.add(Metrics.processStart, [], Double(started.wall / 1_000_000) / 1000)
    page.add(
      Metrics.processCPU, [], Double(ProcessFacts.processorTime / 1_000_000) / 1000)
    if let bytes = ProcessFacts.residentBytes {
      page.add(Metrics.processMemory, [], Int64(bytes))
    }
    if let count = ProcessFacts.openDescriptors {
      page.add(Metrics.processDescriptors, [], Int64(count))
    }
    page.add(Metrics.processDescriptorLimit, [], Int64(descriptorLimit))
  }
}
