/// Media types by file name extension.
///
/// The table is nginx 1.22's `mime.types`, Debian's copy of which is the same, plus what nginx
/// lacks and today's browsers need: with `X-Content-Type-Options: nosniff` a module script that
/// comes as `application/octet-stream` does not run.
public struct MediaTypes: Sendable {
  private var types: [Extension: String]

  /// What a file is whose extension tells nothing. nginx: `default_type`.
  public static var fallback: String { "application/octet-stream" }

  /// - Parameter overrides: types by extension, without the dot, in either case; they win over
  ///   the table. nginx: `types`. An extension of more than `extensionLimit` bytes is not heeded.
  public init(overrides: [String: String] = [:]) {
    types = [:]
    for (type, extensions) in MediaTypes.table {
      for name in extensions.split(separator: " ") {
        types[Extension(Array(name.utf8).span, 0..<name.utf8.count)] = type
      }
    }
    for (name, type) in overrides where name.utf8.count <= MediaTypes.extensionLimit {
      types[Extension(name.utf8.span, 0..<name.utf8.count)] = type
    }
  }

  public static var extensionLimit: Int { 16 }

  /// The most bytes that a type has.
  public var longest: Int {
    types.values.reduce(MediaTypes.fallback.utf8.count) { max($0, $1.utf8.count) }
  }

  /// The type for a path's last component, in either case; no allocation.
  public func type(ofPath path: Span<UInt8>) -> String {
    var at = path.count - 1
    while at > 0, path[at] != UInt8(ascii: "/") {
      // A dot that begins the name begins no extension.
      if path[at] == UInt8(ascii: "."), path[at - 1] != UInt8(ascii: "/") {
        let name = at + 1..<path.count
        guard !name.isEmpty, name.count <= MediaTypes.extensionLimit else { break }
        return types[Extension(path, name)] ?? MediaTypes.fallback
      }
      at -= 1
    }
    return MediaTypes.fallback
  }

  /// Up to 16 bytes, lower case, as a number of 128 bits.
  private struct Extension: Hashable {
    var high: UInt64 = 0
    var low: UInt64 = 0

    init(_ text: Span<UInt8>, _ range: Range<Int>) {
      for i in range {
        let isUpper = text[i] >= UInt8(ascii: "A") && text[i] <= UInt8(ascii: "Z")
        high = high << 8 | low >> 56
        low = low << 8 | UInt64(isUpper ? text[i] | 0x20 : text[i])
      }
    }
  }

  private static var table: [(type: String, extensions: String)] {
    [
      ("text/html", "html htm shtml"),
      ("text/css", "css"),
      ("text/xml", "xml"),
      ("image/gif", "gif"),
      ("image/jpeg", "jpeg jpg"),
      ("application/javascript", "js"),
      ("application/atom+xml", "atom"),
      ("application/rss+xml", "rss"),
      ("text/mathml", "mml"),
      ("text/plain", "txt"),
      ("text/vnd.sun.j2me.app-descriptor", "jad"),
      ("text/vnd.wap.wml", "wml"),
      ("text/x-component", "htc"),
      ("image/avif", "avif"),
      ("image/png", "png"),
      ("image/svg+xml", "svg svgz"),
      ("image/tiff", "tif tiff"),
      ("image/vnd.wap.wbmp", "wbmp"),
      ("image/webp", "webp"),
      ("image/x-icon", "ico"),
      ("image/x-jng", "jng"),
      ("image/x-ms-bmp", "bmp"),
      ("font/woff", "woff"),
      ("font/woff2", "woff2"),
      ("application/java-archive", "jar war ear"),
      ("application/json", "json"),
      ("application/mac-binhex40", "hqx"),
      ("application/msword", "doc"),
      ("application/pdf", "pdf"),
      ("application/postscript", "ps eps ai"),
      ("application/rtf", "rtf"),
      ("application/vnd.apple.mpegurl", "m3u8"),
      ("application/vnd.google-earth.kml+xml", "kml"),
      ("application/vnd.google-earth.kmz", "kmz"),
      ("application/vnd.ms-excel", "xls"),
      ("application/vnd.ms-fontobject", "eot"),
      ("application/vnd.ms-powerpoint", "ppt"),
      ("application/vnd.oasis.opendocument.graphics", "odg"),
      ("application/vnd.oasis.opendocument.presentation", "odp"),
      ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
      ("application/vnd.oasis.opendocument.text", "odt"),
      ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
      ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
      ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
      ("application/vnd.wap.wmlc", "wmlc"),
      ("application/wasm", "wasm"),
      ("application/x-7z-compressed", "7z"),
      ("application/x-cocoa", "cco"),
      ("application/x-java-archive-diff", "jardiff"),
      ("application/x-java-jnlp-file", "jnlp"),
      ("application/x-makeself", "run"),
      ("application/x-perl", "pl pm"),
      ("application/x-pilot", "prc pdb"),
      ("application/x-rar-compressed", "rar"),
      ("application/x-redhat-package-manager", "rpm"),
      ("application/x-sea", "sea"),
      ("application/x-shockwave-flash", "swf"),
      ("application/x-stuffit", "sit"),
      ("application/x-tcl", "tcl tk"),
      ("application/x-x509-ca-cert", "der pem crt"),
      ("application/x-xpinstall", "xpi"),
      ("application/xhtml+xml", "xhtml"),
      ("application/xspf+xml", "xspf"),
      ("application/zip", "zip"),
      ("application/octet-stream", "bin exe dll deb dmg iso img msi msp msm"),
      ("audio/midi", "mid midi kar"),
      ("audio/mpeg", "mp3"),
      ("audio/ogg", "ogg"),
      ("audio/x-m4a", "m4a"),
      ("audio/x-realaudio", "ra"),
      ("video/3gpp", "3gpp 3gp"),
      ("video/mp2t", "ts"),
      ("video/mp4", "mp4"),
      ("video/mpeg", "mpeg mpg"),
      ("video/quicktime", "mov"),
      ("video/webm", "webm"),
      ("video/x-flv", "flv"),
      ("video/x-m4v", "m4v"),
      ("video/x-mng", "mng"),
      ("video/x-ms-asf", "asx asf"),
      ("video/x-ms-wmv", "wmv"),
      ("video/x-msvideo", "avi"),
      // Not in nginx's table.
      ("text/javascript", "mjs"),
      ("application/json", "map"),
      ("application/manifest+json", "webmanifest"),
      ("font/ttf", "ttf"),
      ("font/otf", "otf"),
      ("text/csv", "csv"),
      ("text/markdown", "md"),
    ]
  }
}
