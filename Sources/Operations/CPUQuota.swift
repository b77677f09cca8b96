import Reactor

/// How much processor time this process may use at once.
public struct CPUQuota: Equatable, Sendable {
  /// Processors the scheduler may choose from (the affinity mask).
  public let processors: Int
  /// What the control group grants, in processors: 0.25 is 25 ms of every 100; nil is no limit.
  public let granted: Double?

  public init(processors: Int, granted: Double?) {
    self.processors = processors
    self.granted = granted
  }

  /// Worker threads that make use of it: what is granted, rounded up, and no more than there are
  /// processors.
  ///
  /// Up, because a worker too few leaves granted time unused when it is needed most, while one
  /// too many changes nothing until all that is granted is spent; and then the kernel pauses the
  /// process however many threads it has.
  public var workers: Int {
    guard let granted else { return max(processors, 1) }
    return max(1, min(processors, Int(granted.rounded(.up))))
  }

  /// - Parameter read: the text of a file, nil when there is none.
  public static func current(
    processors: Int, read: @escaping (String) -> String?
  ) -> CPUQuota {
    CPUQuota(processors: processors, granted: ControlGroups(read: read).granted)
  }

  /// What the kernel says about this process.
  public static func current() -> CPUQuota {
    // Without a mask or /proc (an unusual sandbox) one worker is the choice that cannot be wrong.
    let processors = (try? ProcessFacts.processorCount()) ?? 1
    return current(processors: processors) { path in
      try? TextFile.read(path, limit: 64 << 10)
    }
  }
}

/// The limits of the control groups that this process is in, and of those around them: the least
/// one holds. (cgroups(7); Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst)
private struct ControlGroups {
  let read: (String) -> String?

  var granted: Double? {
    // Lines are "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1; both may be there.
    var limits: [Double] = []
    for line in (read("/proc/self/cgroup") ?? "0::/\n").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let path = String(fields[2])
      if fields[0] == "0" {
        limits += levels("/sys/fs/cgroup", path, versionTwo)
      } else if fields[1].split(separator: ",").contains("cpu") {
        limits += levels("/sys/fs/cgroup/\(fields[1])", path, versionOne)
        limits += levels("/sys/fs/cgroup/cpu", path, versionOne)
      }
    }
    return limits.min()
  }

  /// The limits of a group and all around it. Without a namespace of its own the container sees
  /// its group's path as the host names it but only its own group mounted, at the root: levels
  /// that are not there are passed over.
  private func levels(
    _ mount: String, _ path: String, _ limit: (String) -> Double?
  ) -> [Double] {
    var parts = path.split(separator: "/").filter { $0 != ".." }
    var found: [Double] = []
    while true {
      let group = ([mount[...]] + parts).joined(separator: "/")
      if let limit = limit(group) { found.append(limit) }
      guard parts.popLast() != nil else { return found }
    }
  }

  /// "150000 100000" or "max 100000"
  private func versionTwo(_ group: String) -> Double? {
    guard let text = read("\(group)/cpu.max") else { return nil }
    let fields = text.split { $0 == " " || $0 == "\n" }
    guard fields.count == 2 else { return nil }
    return ratio(Int(fields[0]), Int(fields[1]))
  }

  private func versionOne(_ group: String) -> Double? {
    ratio(number("\(group)/cpu.cfs_quota_us"), number("\(group)/cpu.cfs_period_us"))
  }

  private func number(_ path: String) -> Int? {
    read(path)?.split(separator: "\n").first.flatMap { Int($0) }
  }

  /// A quota of -1 is none.
  private func ratio(_ quota: Int?, _ period: Int?) -> Double? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return Double(quota) / Double(period)
  }
}
