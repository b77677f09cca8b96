import Network
import Reactor
import Synchronization

/// What a demo server does with a request.
protocol Service: Sendable {
  /// Answers a request; nil when the connection has been used up, by a WebSocket perhaps.
  func answer(_ request: Request, in conversation: inout Conversation) -> Response?

  /// Forgets what a process forgets when it is killed.
  func forget()
}

/// One demo server: a listener on a loopback port of its own and a thread for each connection.
/// It can be stopped as if it had been killed, and started again at the same port.
final class Instance: Sendable {
  /// More connections than this are closed as they come.
  static let connectionsLimit = 512

  let name: String
  let address: SocketAddress
  let service: any Service
  /// Bound and never listening: keeps the port for us while nobody listens at it.
  private let reserved: Descriptor
  private let state = Mutex(State())

  private struct State {
    /// Nil while stopped.
    var listener: Listener?
    var connections: [ObjectIdentifier: Connection] = [:]
  }

  /// Kept by `state` and by the thread that accepts.
  private final class Listener: Sendable {
    let socket: Descriptor
    init(_ socket: consuming Descriptor) { self.socket = socket }
  }

  /// Makes an instance that is stopped.
  init(_ name: String, _ service: any Service) throws(SystemError) {
    let any = SocketAddress(.loopbackV4, port: 0)
    reserved = try Syscalls.streamSocket(for: any.address)
    Syscalls.set(.reuseAddress, on: reserved)
    try Syscalls.bind(reserved, to: any)
    address = try Syscalls.localAddress(reserved)
    self.name = name
    self.service = service
  }

  var isRunning: Bool { state.withLock { $0.listener != nil } }

  /// Does nothing when it runs already.
  func start() throws(SystemError) {
    guard !isRunning else { return }
    let listener = Listener(try Sockets.listening(on: address, backlog: 128, isBlocking: true))
    let isOurs = state.withLock { state in
      guard state.listener == nil else { return false }
      state.listener = listener
      return true
    }
    guard isOurs else { return }
    do throws(SystemError) {
      try Thread.start(name: name) { self.accept(from: listener) }
    } catch {
      stop()
      throw error
    }
  }

  /// Refuses connections from now on and ends those that stand.
  ///
  /// - Parameter spared: whose answer is still to be sent; it ends after that.
  func stop(sparing spared: Connection? = nil) {
    state.withLock { state in
      guard let listener = state.listener else { return }
      // Ends the thread's wait, which closing would not.
      Syscalls.shutdown(listener.socket, .both)
      state.listener = nil
      for connection in state.connections.values where connection !== spared { connection.end() }
      state.connections = [:]
    }
    service.forget()
  }

  private func accept(from listener: Listener) {
    var peer = address
    while runs(listener) {
      do throws(SystemError) {
        guard
          let socket = try Syscalls.accept(from: listener.socket, peer: &peer, isBlocking: true)
        else { continue }
        let connection = Connection(socket)
        guard enter(connection, from: listener) else { continue }
        do throws(SystemError) {
          try Thread.start(name: name) {
            self.serve(connection, from: listener)
            self.leave(connection)
          }
        } catch {
          leave(connection)
        }
      } catch {
        // Stopped, or out of descriptors: then the next round waits for somebody to close one.
        Syscalls.pause(milliseconds: 50)
      }
    }
  }

  private func serve(_ connection: Connection, from listener: Listener) {
    var conversation = Conversation(over: connection)
    while let request = conversation.next() {
      guard let response = service.answer(request, in: &conversation) else { break }
      let isPersistent = request.isPersistent && runs(listener)
      let bytes = response.bytes(isPersistent: isPersistent, withBody: request.method != "HEAD")
      guard connection.send(bytes), isPersistent else { break }
    }
    connection.end()
  }

  /// Whether this is the listener of now: a connection outlives a stop by no request.
  private func runs(_ listener: Listener) -> Bool {
    state.withLock { $0.listener === listener }
  }

  private func enter(_ connection: Connection, from listener: Listener) -> Bool {
    state.withLock { state in
      guard state.listener === listener, state.connections.count < Self.connectionsLimit
      else { return false }
      state.connections[ObjectIdentifier(connection)] = connection
      return true
    }
  }

  private func leave(_ connection: Connection) {
    state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
  }
}
