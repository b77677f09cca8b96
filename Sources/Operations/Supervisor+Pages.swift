import Memory
import Reactor

// What the admin listener shows.
extension Supervisor {
  ///
  /// - Parameter control: the loop, which is not to be reached through `self` meanwhile.
  func answer(_ request: AdminRequest, _ control: inout ControlLoop) -> AdminResponse {
    do throws(AdminRefusal) {
      let call = try AdminCall.read(request)
      if call.isChange { try AdminAccess.check(request, token: configuration.admin?.token) }
      return try answer(call, &control)
    } catch {
      return error.response
    }
  }

  private func answer(
    _ call: AdminCall, _ control: inout ControlLoop
  ) throws(AdminRefusal) -> AdminResponse {
    switch call {
    case .index: return .text(200, AdminCall.paths.map { $0 + "\n" }.joined())
    case .liveness: return processStatus(control.clock).liveness
    case .readiness: return processStatus(control.clock).readiness
    case .metrics:
      return AdminResponse(contentType: MetricsPage.contentType, body: metrics(control.clock))
    case .pools: return poolsPage()
    case .instances: return instancesPage()
    case .reload: return reload(&control).response
    case .drain(let pool, let name, let isDrained):
      let server = try server(name, of: pool)
      return drain(isDrained) { $0 == pool && $1.name == server.name }
    case .weigh(let pool, let name, let weight):
      return weigh(weight, pool: pool, server: try server(name, of: pool))
    case .drainInstance(let name, let isDrained):
      try requireInstance(name)
      return drain(isDrained) { $1.instance == name }
    }
  }

  private func processStatus(_ clock: Clock) -> ProcessStatus {
    ProcessStatus(
      now: clock.now, workers: workers.status(now: clock.now), isConfigured: true,
      isDraining: !shutdown.isRunning, pools: poolStatus)
  }

  private func metrics(_ clock: Clock) -> String {
    var page = MetricsPage()
    registry.write(to: &page)
    writeServers(to: &page)
    if let sessions {
      page.add(Metrics.sessions, [], Int64(sessions.count(at: clock.now)))
    }
    page.add(Metrics.spillBytes, [], Int64(spill.budget.inUse))
    page.add(Metrics.spillRefused, [], Int64(spill.budget.refusals))
    writeFiles(to: &page)
    writeCertificates(to: &page)
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
        let isUp = directory.cells[slot].isHealthy && directory.cells[slot].address != nil
        let isMaintained = isUp && maintained.contains(slot)
        page.add(Metrics.serverUp, labels, Int64(isUp ? 1 : 0))
        page.add(Metrics.serverMaintenance, labels, Int64(isMaintained ? 1 : 0))
        page.add(
          Metrics.serverDraining, labels, Int64(directory.cells[slot].isDraining ? 1 : 0))
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
