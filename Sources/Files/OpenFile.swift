public import Memory
public import Reactor

/// An open file with several owners: the cache, responses under way, a thread that reads from it.
///
/// The last of them may be a loop, which must not wait: a remote file is closed by a file thread,
/// whoever let go of it last.
public final class OpenFile: Sendable {
  /// Owned here; the one `Descriptor` that closes it is made when nobody else has it any more.
  private let number: CInt
  /// Whether every call may take its time: then only file threads make them.
  public let isRemote: Bool
  /// The threads of the directory that it was found in; nil where there are none.
  let crew: FileCrew?

  init(_ descriptor: consuming Descriptor, crew: FileCrew?) {
    isRemote = Syscalls.isRemote(descriptor)
    number = descriptor.release()
    self.crew = crew
  }

  deinit {
    if isRemote, let crew { crew.close(number) } else { _ = Descriptor(owning: number) }
  }

  /// See `Transport.sendFile`.
  public func send(
    from offset: Int, count: Int, to transport: inout Transport
  ) throws(SystemError) -> Int? {
    let lent = Descriptor(owning: number)
    do throws(SystemError) {
      let sent = try transport.sendFile(lent, from: offset, count: count)
      _ = lent.release()
      return sent
    } catch {
      _ = lent.release()
      throw error
    }
  }

  /// See `Syscalls.readSome`.
  public func readSome(
    at offset: Int, into buffer: inout ByteBuffer
  ) throws(SystemError) -> Int {
    let lent = Descriptor(owning: number)
    do throws(SystemError) {
      let count = try Syscalls.readSome(lent, at: offset, into: &buffer)
      _ = lent.release()
      return count
    } catch {
      _ = lent.release()
      throw error
    }
  }
}
