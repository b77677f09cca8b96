/// An answer that the configuration itself holds.
public struct RespondSettings: Equatable, Sendable {
  /// 200 … 599.
  public var status = 200
  /// Up to 64 KiB; must be empty for 204 and 304.
  public var body = ""
  public var contentType = "text/plain; charset=utf-8"

  public init() {}
}

extension RespondSettings {
  static let declaration = Declaration(blank: RespondSettings()) {
    Key("status", \.status, .integer(200...599), synonyms: ["code"], "The status.")
    Key(
      "body", \.body,
      .text("a text") { text throws(Complaint) in
        guard text.utf8.count <= 64 << 10 else {
          throw Complaint("is too large", ["the most is 64KiB"])
        }
      }, synonyms: ["text", "content"], "What is answered.")
    Key(
      "content_type", \.contentType, .mediaType, synonyms: ["default_type", "type", "media_type"],
      "What the body is.")
  }

  /// The status alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<Int>.integer(200...599).map(
      { status in
        var settings = RespondSettings()
        settings.status = status
        return settings
      }, { $0.status }))
}
