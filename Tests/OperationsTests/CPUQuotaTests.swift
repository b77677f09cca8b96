import Operations
import Testing

struct QuotaRow: Sendable {
  let rule: String
  let processors: Int
  let files: [String: String]
  let granted: Double?
  let workers: Int
}

@Test(arguments: [
  QuotaRow(
    rule: "no files: all processors", processors: 4, files: [:], granted: nil, workers: 4),
  QuotaRow(
    rule: "v2 max: no limit", processors: 2,
    files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"],
    granted: nil, workers: 2),
  QuotaRow(
    rule: "v2: a quarter is one worker", processors: 8,
    files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "25000 100000\n"],
    granted: 0.25, workers: 1),
  QuotaRow(
    rule: "v2: rounded up", processors: 8,
    files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"],
    granted: 1.5, workers: 2),
  QuotaRow(
    rule: "v2: the least of the groups around holds", processors: 8,
    files: [
      "/proc/self/cgroup": "0::/a.slice/b.scope\n",
      "/sys/fs/cgroup/a.slice/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/a.slice/b.scope/cpu.max": "400000 100000\n",
    ], granted: 2, workers: 2),
  QuotaRow(
    rule: "v2: a path that is not mounted here falls back to the root", processors: 8,
    files: [
      "/proc/self/cgroup": "0::/../../docker/abc\n", "/sys/fs/cgroup/cpu.max": "300000 100000\n",
    ], granted: 3, workers: 3),
  QuotaRow(
    rule: "affinity bounds what is granted", processors: 2,
    files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "800000 100000\n"],
    granted: 8, workers: 2),
  QuotaRow(
    rule: "v1", processors: 8,
    files: [
      "/proc/self/cgroup": "12:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    ], granted: 0.5, workers: 1),
  QuotaRow(
    rule: "v1: -1 is no limit", processors: 3,
    files: [
      "/proc/self/cgroup": "4:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    ], granted: nil, workers: 3),
  QuotaRow(
    rule: "nonsense is no limit", processors: 2,
    files: ["/proc/self/cgroup": "0::/\n::\nx", "/sys/fs/cgroup/cpu.max": "0 0 0\n"],
    granted: nil, workers: 2),
])
func `workers follow what is granted`(_ row: QuotaRow) {
  let quota = CPUQuota.current(processors: row.processors) { row.files[$0] }
  #expect(quota.granted == row.granted, "\(row.rule)")
  #expect(quota.workers == row.workers, "\(row.rule)")
}

@Test func `this machine grants at least one worker`() {
  #expect(CPUQuota.current().workers >= 1)
}
