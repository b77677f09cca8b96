/// A pipe through which bytes go from one socket to another without being copied: what it holds
/// are the pages of memory in which they came (splice(2)).
public struct Pipe: ~Copyable {
  let entrance: Descriptor
  let exit: Descriptor
  /// How many bytes it holds at most; fewer when they come in pages that are not full.
  public let size: Int
  /// Bytes that are in it now.
  public internal(set) var count = 0
  /// More has come than it could take.
  public internal(set) var isFull = false

  public var isEmpty: Bool { count == 0 }

  init(entrance: consuming Descriptor, exit: consuming Descriptor, size: Int) {
    self.entrance = entrance
    self.exit = exit
    self.size = size
  }

  /// An empty one with room for `size` bytes, or for as many as the kernel gives.
  public static func open(size: Int) throws(SystemError) -> Pipe {
    try Syscalls.pipe(size: size)
  }
}
