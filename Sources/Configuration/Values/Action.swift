/// What becomes of a request that a route took.
public enum Action: Equatable, Sendable {
  case files(FilesSettings)
  case proxy(ProxySettings)
  case redirect(RedirectSettings)
  case respond(RespondSettings)
}
