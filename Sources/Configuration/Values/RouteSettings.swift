/// Which requests, and what becomes of them.
public struct RouteSettings: Equatable, Sendable {
  /// What logs and `fallback` call it; unique. What it matches unless told: `/assets`.
  public var name: String
  public var match = Match()
  public var action: Action
  /// Edits of the request head on its way to a server.
  public var requestHeaders = HeaderEdits()
  /// Edits of the response head on its way to the client, Martlet's own answers included.
  public var responseHeaders = HeaderEdits()

  public init(name: String, match: Match = Match(), action: Action) {
    self.name = name
    self.match = match
    self.action = action
  }
}
