private import CLinux

/// A thread of its own for what must not hold up a loop.
public enum Thread {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// From now on this thread runs when no other wants to (SCHED_IDLE), as far as the system allows.
  public static func standBack() { clinux_thread_stand_back() }

  /// Starts `body` on a new detached thread.
  ///
  /// - Parameter name: what `top -H` shows, 15 bytes of it.
  public static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let start = Start(name: String(name.prefix(15)), body: body)
    let argument = unsafe Unmanaged.passRetained(start).toOpaque()
    let result = unsafe clinux_thread_start(
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe clinux_thread_name(start.name)
        start.body()
        return nil
      }, argument)
    guard result == 0 else {
      unsafe Unmanaged<Start>.fromOpaque(argument).release()
      throw SystemError(call: "pthread_create", errno: -result)
    }
  }
}
