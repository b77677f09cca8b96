private import CLinux

/// A descriptor that is closed when its owner lets go of it.
public struct Descriptor: ~Copyable, Sendable {
  public let number: CInt

  /// Takes ownership of `number`.
  public init(owning number: CInt) {
    precondition(number >= 0)
    self.number = number
  }

  /// Gives up ownership: whoever takes the number closes it.
  public consuming func release() -> CInt {
    let number = self.number
    discard self
    return number
  }

  deinit {
    let result = clinux_close(number)
    // Anything but EBADF is the file's affair (a late write error); EBADF means that somebody
    // closed what we own, and the next descriptor with that number could be a stranger's.
    precondition(result != -EBADF, "closed twice")
  }
}
