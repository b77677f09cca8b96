/// Which requests, and what becomes of them.
public struct RouteSettings: Equatable, Sendable {
  /// What logs and `fallback` call it; unique. What it matches unless told: `/assets`.
  public var name: String
  public var match = Match()
  /// Clients that ask for it get 404; X-Accel-Redirect and `fallback` lead here.
  ///
  /// nginx: `internal`.
  public var isInternal = false
  public var action: Action
  /// Edits of the request head on its way to a server.
  public var requestHeaders = HeaderEdits()
  /// Edits of the response head on its way to the client, Martlet's own answers included.
  public var responseHeaders = HeaderEdits()
  /// Whether answers are compressed; nil is as at the top of the file.
  public var gzip: Bool?
  /// How much one client may ask: at most `RequestLimit.countLimit`, and all of them hold.
  public var limits: [RequestLimit] = []

  public init(name: String, match: Match = Match(), action: Action) {
    self.name = name
    self.match = match
    self.action = action
  }
}

extension RouteSettings {
  static let group = KeyGroup(noun: "action", article: "an", isRequired: true)
  /// The action is in the place of one that is missing, which is an error.
  static let declaration = Declaration(
    blank: RouteSettings(name: "", action: .respond(RespondSettings()))
  ) {
    Key(
      "name", \.givenName, Codec<String>.name("a name").optional, synonyms: ["id"],
      "What logs and fallbacks call it; what it matches unless told.")
    Key(
      "match", \.match, Match.declaration.codec(), synonyms: ["location", "rule", "when", "path"],
      "Which requests it takes; without it, all.")
    Key(
      "internal", \.isInternal, .boolean,
      "Only X-Accel-Redirect and fallbacks lead here; clients that ask for it get 404.")
    Key(
      "files", \.action, FilesSettings.declaration.codec(), in: group, wrap: Action.files,
      unwrap: { if case .files(let settings) = $0 { settings } else { nil } },
      synonyms: ["root", "alias", "static", "file_server"], "Static files from disk.")
    Key(
      "proxy", \.action, ProxySettings.codec, in: group, wrap: Action.proxy,
      unwrap: { if case .proxy(let settings) = $0 { settings } else { nil } },
      synonyms: ["pool", "proxy_pass", "service", "backend", "upstream", "reverse_proxy"],
      "A pool's servers answer. The name of the pool stands for {pool: NAME}.")
    Key(
      "redirect", \.action, RedirectSettings.codec, in: group, wrap: Action.redirect,
      unwrap: { if case .redirect(let settings) = $0 { settings } else { nil } },
      synonyms: ["rewrite"], "The client is sent elsewhere. The target stands for {to: TARGET}.")
    Key(
      "respond", \.action, RespondSettings.codec, in: group, wrap: Action.respond,
      unwrap: { if case .respond(let settings) = $0 { settings } else { nil } },
      synonyms: ["return", "response"],
      "An answer that the file itself holds. The status stands for {status: STATUS}.")
    Key(
      "request_headers", \.requestHeaders, HeaderEdits.requests.codec(),
      synonyms: ["headers", "proxy_set_header"],
      "Edits of the request's headers on their way to a server.")
    Key(
      "response_headers", \.responseHeaders, HeaderEdits.responses.codec(),
      synonyms: ["add_header"],
      "Edits of the response's headers on their way to the client.")
    Key(
      "gzip", \.gzip, Codec<Bool>.onOff.optional, synonyms: ["compression", "compress", "encode"],
      "Whether answers of files and servers are compressed; without it, as the file's gzip says.")
    Key(
      "limits", \.limits, .list(of: RequestLimit.declaration.codec(), isEmptyAllowed: true),
      synonyms: ["limit", "rate_limit", "limit_req", "limit_conn", "ratelimit", "inflightreq"],
      "How many requests one client may send, and have under way; all of these hold.")
  }

  /// Nil while the match stands for it.
  private var givenName: String? {
    get { name.isEmpty ? nil : name }
    set { name = newValue ?? "" }
  }
}
