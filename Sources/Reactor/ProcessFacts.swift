private import CLinux

/// What the kernel knows about this process and the machine it runs on.
public enum ProcessFacts {
  /// How many processors the scheduler may run this process on (its affinity mask).
  public static func processorCount() throws(SystemError) -> Int {
    Int(try Syscalls.check(clinux_processor_count(), "sched_getaffinity"))
  }

  /// Nanoseconds of processor time that all threads have used so far.
  public static var processorTime: UInt64 { clinux_processor_time() }

  /// Bytes of memory that are resident now; nil where /proc is missing.
  public static var residentBytes: Int? {
    // "size resident shared …" in pages (proc(5), statm).
    guard let text = try? TextFile.read("/proc/self/statm", limit: 256) else { return nil }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * clinux_page_size()
  }

  /// Descriptors open now; nil where /proc is missing.
  public static var openDescriptors: Int? {
    let count = unsafe clinux_count_entries("/proc/self/fd")
    return count < 0 ? nil : Int(count) - 1  // the one that reads the directory
  }
}
