import Glibc
import Memory
import Reactor
import Testing

@Test func `the kernel tells what the process uses`() throws {
  #expect(try ProcessFacts.processorCount() > 0)
  #expect(ProcessFacts.processorTime > 0)
  #expect(try #require(ProcessFacts.residentBytes) > 1 << 20)
  #expect(try #require(ProcessFacts.openDescriptors) >= 3)
}

@Test func `a file is read whole, or refused beyond its limit`() throws {
  let whole = try TextFile.read("/proc/self/status", limit: 1 << 20)
  #expect(whole.hasPrefix("Name:"))
  #expect(throws: SystemError.self) { try TextFile.read("/dev/zero", limit: 100) }
  let error = #expect(throws: SystemError.self) { try TextFile.read("/nowhere", limit: 100) }
  #expect(error?.isNotFound == true)
  #expect(try TextFile.read("/dev/null", limit: 100) == "")
}

@Test func `the environment is read`() {
  #expect(ProcessEnvironment.variables["PATH"]?.isEmpty == false)
}

@Test func `paths lead to what they lead to`() throws {
  #expect(TextFile.kind(of: "/proc") == .directory)
  #expect(TextFile.kind(of: "/proc/self/status") == .file)
  #expect(TextFile.kind(of: "/dev/null") == .other)
  #expect(TextFile.kind(of: "/nowhere") == .nothing)
  let program = try TextFile.target(ofLink: "/proc/self/exe")
  #expect(program.hasPrefix("/") && TextFile.kind(of: program) == .file)
  #expect(throws: SystemError.self) { try TextFile.target(ofLink: "/proc") }
}

@Test func `a directory tells what is in it, unless that is too much`() throws {
  var folder = try TemporaryFolder(prefix: "names")
  #expect(try TextFile.names(in: folder.path, limit: 1 << 10) == [])
  try folder.makeFolder("sub")
  try folder.write("x", to: "file")
  #expect(try TextFile.names(in: folder.path, limit: 1 << 10).sorted() == ["file", "sub"])
  #expect(throws: SystemError.self) { try TextFile.names(in: folder.path, limit: 10) }
  #expect(throws: SystemError.self) { try TextFile.names(in: "/nowhere", limit: 1 << 10) }
}

@Test func `a thread takes no signals but those of its own faults`() throws {
  let masks = WorkQueue<UInt64?>()
  try Thread.start(name: "signals") {
    let status = (try? TextFile.read("/proc/thread-self/status", limit: 1 << 20)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:\t") }
    masks.add(line.flatMap { UInt64($0.dropFirst(8), radix: 16) })
  }
  let mask = try #require(masks.next() ?? nil)
  for signal in [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGCHLD] {
    #expect(mask >> (signal - 1) & 1 == 1, "\(signal)")
  }
  for fault in [SIGSEGV, SIGILL, SIGABRT] { #expect(mask >> (fault - 1) & 1 == 0, "\(fault)") }
}
