/// That a pool's servers speak Engine.IO, on which Socket.IO stands: what one of them has opened,
/// only it knows.
public struct EngineIOSettings: Equatable, Sendable {
  /// Over which time the clients of a server that drains are told to connect anew, evenly
  /// spread. 0: all of them at once.
  ///
  /// 0 … 1 h.
  public var drainWindow: Duration = .seconds(10)

  /// How long a session is remembered after its last request; longer than the servers' ping
  /// interval and timeout together.
  ///
  /// 1 s … 1 h.
  public var remember: Duration = .seconds(120)

  public init() {}
}

extension EngineIOSettings {
  static let declaration = Declaration(blank: EngineIOSettings()) {
    Key(
      "drain_window", \.drainWindow, .duration(.zero ... .seconds(3600)), synonyms: ["window"],
      "Over which time the clients of a server that drains are told to connect anew, evenly "
        + "spread. 0: all at once.")
    Key(
      "remember", \.remember, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["expire", "ttl"],
      "How long a session is remembered after its last request: longer than the servers' "
        + "`pingInterval` and `pingTimeout` together.")
  }

  static let codec = declaration.codec().optional.short(
    Codec<Bool>.boolean.map({ $0 ? EngineIOSettings() : nil }, { $0 != nil })
  ).or("off", nil)
}
