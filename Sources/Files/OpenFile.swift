public import Reactor

/// An open file with several owners: the cache, responses under way, a thread that reads from it.
public final class OpenFile: Sendable {
  public let descriptor: Descriptor
  /// Whether every call may take its time: then only file threads make them, closing included.
  public let isRemote: Bool
  /// The threads of the directory that it was found in; nil where there are none.
  let crew: FileCrew?

  init(_ descriptor: consuming Descriptor, crew: FileCrew?) {
    isRemote = Syscalls.isRemote(descriptor)
    self.descriptor = descriptor
    self.crew = crew
  }

  /// Lets go of a file from a thread that must not wait: should it be the last owner, a file
  /// thread closes it.
  static func leave(_ file: consuming OpenFile) {
    guard file.isRemote, let crew = file.crew else { return }
    crew.close(file)
  }
}
