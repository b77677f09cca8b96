import Memory
import Reactor

/// The pipes through which bodies go from server to client.
///
/// Who takes one gives it back as soon as it is empty: those whose clients take what comes share
/// one, and only a client that makes its response wait has one to itself. Each is two descriptors,
/// and what it holds is the kernel's memory, so there is a bound on them: who finds none copies.
struct Pipes: ~Copyable {
  static let limit = 64
  static let keptLimit = 8
  /// How much a pipe is to hold, and one call to move: with half of that 1 MiB takes four calls more
  /// and up to a tenth more time, with twice that no less.
  static let pipeBytes = 512 << 10
  /// One that holds less is not worth its calls.
  static let leastBytes = 64 << 10

  var all = Slab<Pipe>(capacity: limit)
  /// Those that are empty.
  private var free: [Handle] = []

  init() { free.reserveCapacity(Self.keptLimit) }

  /// An empty pipe; nil when all are taken, or the kernel gives none.
  mutating func take() -> Handle? {
    if let pipe = free.popLast() { return pipe }
    guard !all.isFull, let pipe = try? Pipe.open(size: Self.pipeBytes),
      pipe.size >= Self.leastBytes
    else { return nil }
    return all.insert(pipe)
  }

  /// Takes back a pipe; one that is not empty is closed, and what it holds is lost.
  mutating func give(_ pipe: Handle) {
    guard all[pipe].isEmpty, free.count < Self.keptLimit else { return all.discard(pipe) }
    free.append(pipe)
  }
}
