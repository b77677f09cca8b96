/// How answers are compressed on their way to who takes gzip.
public struct GzipSettings: Equatable, Sendable {
  /// How much time is given for how small a result.
  public enum Level: Equatable, Sendable {
    /// ISA-L: about as small as zlib's level 1, in a fifth of its time.
    case fast
    /// zlib, 1 … 9.
    case zlib(Int)
  }

  /// Media types that are compressed beside text/html, without parameters.
  ///
  /// nginx: `gzip_types`.
  public var types = [
    "text/html", "text/css", "text/plain", "text/xml", "text/javascript", "text/csv",
    "text/markdown", "text/x-component", "application/javascript", "application/json",
    "application/xml", "application/xhtml+xml", "application/rss+xml", "application/atom+xml",
    "application/manifest+json", "application/x-web-app-manifest+json", "application/wasm",
    "application/vnd.ms-fontobject", "application/x-font-ttf", "application/font-woff",
    "font/opentype", "font/ttf", "font/otf", "image/svg+xml", "image/x-icon",
  ]

  /// Answers known to be shorter go out as they are. In bytes.
  ///
  /// 0 … 16 MiB. nginx: `gzip_min_length`.
  public var minimumBytes = 256

  /// nginx: `gzip_comp_level`.
  public var level = Level.fast

  public init() {}
}

extension GzipSettings {
  static let declaration = Declaration(blank: GzipSettings()) {
    Key(
      "types", \.types, .list(of: .plainMediaType, takesCommas: true, isEmptyAllowed: true),
      synonyms: ["gzip_types", "media_types", "mime_types"],
      "Which media types are compressed, whatever their parameters; text/html always is.")
    Key(
      "min_length", \.minimumBytes, .size(0...16 << 20),
      synonyms: ["gzip_min_length", "minimum", "min_size", "min", "minimum_length"],
      "Answers known to be shorter go out as they are.")
    Key(
      "level", \.level, .level, synonyms: ["gzip_comp_level", "comp_level", "quality"],
      "fast is ISA-L; 1 to 9 are zlib's, smaller and several times slower.")
  }

  /// `on` stands for all defaults; nil is off.
  static let codec: Codec<GzipSettings?> = {
    let words = Codec<GzipSettings?>.words(
      "a value of gzip",
      ["on": GzipSettings(), "off": nil, "true": GzipSettings(), "false": nil],
      others: ["{level: 5}"])
    // Written with its keys, so that `--effective` shows them.
    return declaration.codec().optional.either(
      Codec(
        shape: .onOff, readText: words.readText, readNode: nil,
        write: { $0 == nil ? .string("off") : nil }))
  }()
}

extension Shape {
  static var onOff: Shape { .anyOf([.words(["on", "off"]), .boolean]) }
}

extension Codec where Value == Bool {
  /// `on` or `off`, as nginx writes it, beside what YAML has for it.
  static var onOff: Codec {
    let words = Codec.words(
      "on or off", ["on": true, "off": false, "true": true, "false": false])
    return Codec(
      shape: .onOff, readText: words.readText, readNode: nil, write: words.write)
  }
}

extension Codec where Value == GzipSettings.Level {
  fileprivate static var level: Codec {
    Codec<Int>.integer(1...9).map(
      { Value.zlib($0) }, { if case .zlib(let number) = $0 { number } else { nil } }
    ).or("fast", .fast)
  }
}

extension Codec where Value == String {
  fileprivate static var plainMediaType: Codec {
    .mediaType.checked { text throws(Complaint) in
      guard let end = text.firstIndex(of: ";") else { return }
      throw Complaint(
        "has parameters, which are not compared", ["did you mean \(text[..<end])?"])
    }
  }
}
