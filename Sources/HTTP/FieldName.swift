/// The fields that a proxy treats in a way of its own; all others are `other`.
///
/// Case does not matter in names (RFC 9110 §5.1).
public enum FieldName: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case other
  // Meant for the next recipient only (RFC 9110 §7.6.1): `isHopByHop`.
  case connection, keepAlive, proxyConnection, te, trailer, transferEncoding, upgrade
  case http2Settings, proxyAuthenticate, proxyAuthorization
  // Framing, routing, forwarding.
  case host, contentLength, expect, via, forwarded, maxForwards, xForwardedFor, xForwardedProto
  case xForwardedHost, xForwardedPort, xForwardedPrefix, xForwardedServer, xForwardedClientCert
  case xRealIP, xRequestID
  // Who asks, from where, with which right.
  case cookie, setCookie, authorization, wwwAuthenticate, origin, referer, userAgent
  case xFrappeSiteName
  // Content, negotiation, conditions, ranges.
  case accept, acceptEncoding, acceptRanges, ifMatch, ifNoneMatch, ifModifiedSince
  case ifUnmodifiedSince, ifRange, range, contentRange, contentType, contentEncoding
  case contentDisposition, contentLocation, etag, lastModified, date, server, location, vary
  case allow, age
  // Caching and pacing.
  case cacheControl, expires, retryAfter, pragma
  // By which an origin speaks to nginx, and so to us.
  case xAccelRedirect, xAccelBuffering, xAccelExpires, xAccelLimitRate, xAccelCharset
  case xUseXAccelRedirect
  // RFC 6455 §11.3.
  case secWebSocketKey, secWebSocketAccept, secWebSocketVersion, secWebSocketProtocol
  case secWebSocketExtensions

  /// Whether the field is for the next recipient only, whatever `Connection` says.
  ///
  /// RFC 9110 §7.6.1; `HTTP2-Settings` by RFC 7540 §3.2.1; `Trailer` and `Proxy-Auth…` as in
  /// RFC 2616 §13.5.1: we frame bodies anew, and credentials for a proxy are none for an origin.
  @inline(__always) public var isHopByHop: Bool {
    rawValue &- FieldName.connection.rawValue
      <= FieldName.proxyAuthorization.rawValue &- FieldName.connection.rawValue
  }

  /// The name of the field whose name stands at `slice`.
  @inline(never) public init(_ bytes: Span<UInt8>, _ slice: Slice) {
    self = Self.recognise(ShortName(bytes, slice))
  }

  /// Each word holds eight letters, the first in its lowest byte; `text` has them in the clear,
  /// and a test holds the two against each other.
  @inline(__always) static func recognise(_ name: ShortName) -> FieldName {
    switch name.count {
    case 2:
      switch name.first {
      case 0x6574: return .te
      default: return .other
      }
    case 3:
      switch name.first {
      case 0x61_6976: return .via
      case 0x65_6761: return .age
      default: return .other
      }
    case 4:
      switch name.first {
      case 0x7473_6f68: return .host
      case 0x6761_7465: return .etag
      case 0x6574_6164: return .date
      case 0x7972_6176: return .vary
      default: return .other
      }
    case 5:
      switch name.first {
      case 0x65_676e_6172: return .range
      case 0x77_6f6c_6c61: return .allow
      default: return .other
      }
    case 6:
      switch name.first {
      case 0x7463_6570_7865: return .expect
      case 0x6569_6b6f_6f63: return .cookie
      case 0x6e69_6769_726f: return .origin
      case 0x7470_6563_6361: return .accept
      case 0x7265_7672_6573: return .server
      case 0x616d_6761_7270: return .pragma
      default: return .other
      }
    case 7:
      switch name.first {
      case 0x72_656c_6961_7274: return .trailer
      case 0x65_6461_7267_7075: return .upgrade
      case 0x72_6572_6566_6572: return .referer
      case 0x73_6572_6970_7865: return .expires
      default: return .other
      }
    case 8:
      switch name.first {
      case 0x6863_7461_6d2d_6669: return .ifMatch
      case 0x6567_6e61_722d_6669: return .ifRange
      case 0x6e6f_6974_6163_6f6c: return .location
      default: return .other
      }
    case 9:
      switch (name.first, name.second) {
      case (0x6564_7261_7772_6f66, 0x64): return .forwarded
      case (0x692d_6c61_6572_2d78, 0x70): return .xRealIP
      default: return .other
      }
    case 10:
      switch (name.first, name.second) {
      case (0x6974_6365_6e6e_6f63, 0x6e6f): return .connection
      case (0x696c_612d_7065_656b, 0x6576): return .keepAlive
      case (0x6b6f_6f63_2d74_6573, 0x6569): return .setCookie
      case (0x6567_612d_7265_7375, 0x746e): return .userAgent
      default: return .other
      }
    case 11:
      switch (name.first, name.second) {
      case (0x6661_2d79_7274_6572, 0x72_6574): return .retryAfter
      default: return .other
      }
    case 12:
      switch (name.first, name.second) {
      case (0x7772_6f66_2d78_616d, 0x7364_7261): return .maxForwards
      case (0x7365_7571_6572_2d78, 0x6469_2d74): return .xRequestID
      case (0x2d74_6e65_746e_6f63, 0x6570_7974): return .contentType
      default: return .other
      }
    case 13:
      switch (name.first, name.second) {
      case (0x7a69_726f_6874_7561, 0x6e_6f69_7461): return .authorization
      case (0x722d_7470_6563_6361, 0x73_6567_6e61): return .acceptRanges
      case (0x2d65_6e6f_6e2d_6669, 0x68_6374_616d): return .ifNoneMatch
      case (0x2d74_6e65_746e_6f63, 0x65_676e_6172): return .contentRange
      case (0x646f_6d2d_7473_616c, 0x64_6569_6669): return .lastModified
      case (0x6f63_2d65_6863_6163, 0x6c_6f72_746e): return .cacheControl
      default: return .other
      }
    case 14:
      switch (name.first, name.second) {
      case (0x2d74_6e65_746e_6f63, 0x6874_676e_656c): return .contentLength
      case (0x6573_2d32_7074_7468, 0x7367_6e69_7474): return .http2Settings
      default: return .other
      }
    case 15:
      switch (name.first, name.second) {
      case (0x7261_7772_6f66_2d78, 0x72_6f66_2d64_6564): return .xForwardedFor
      case (0x652d_7470_6563_6361, 0x67_6e69_646f_636e): return .acceptEncoding
      case (0x2d6c_6563_6361_2d78, 0x73_6572_6970_7865): return .xAccelExpires
      case (0x2d6c_6563_6361_2d78, 0x74_6573_7261_6863): return .xAccelCharset
      default: return .other
      }
    case 16:
      switch (name.first, name.second) {
      case (0x6f63_2d79_786f_7270, 0x6e6f_6974_6365_6e6e): return .proxyConnection
      case (0x7261_7772_6f66_2d78, 0x7473_6f68_2d64_6564): return .xForwardedHost
      case (0x7261_7772_6f66_2d78, 0x7472_6f70_2d64_6564): return .xForwardedPort
      case (0x6874_7561_2d77_7777, 0x6574_6163_6974_6e65): return .wwwAuthenticate
      case (0x2d74_6e65_746e_6f63, 0x676e_6964_6f63_6e65): return .contentEncoding
      case (0x2d74_6e65_746e_6f63, 0x6e6f_6974_6163_6f6c): return .contentLocation
      case (0x2d6c_6563_6361_2d78, 0x7463_6572_6964_6572): return .xAccelRedirect
      default: return .other
      }
    case 17:
      switch (name.first, name.second, name.third) {
      case (0x7265_6673_6e61_7274, 0x6e69_646f_636e_652d, 0x67): return .transferEncoding
      case (0x7261_7772_6f66_2d78, 0x746f_7270_2d64_6564, 0x6f): return .xForwardedProto
      case (0x6669_646f_6d2d_6669, 0x636e_6973_2d64_6569, 0x65): return .ifModifiedSince
      case (0x2d6c_6563_6361_2d78, 0x6e69_7265_6666_7562, 0x67): return .xAccelBuffering
      case (0x7362_6577_2d63_6573, 0x656b_2d74_656b_636f, 0x79): return .secWebSocketKey
      default: return .other
      }
    case 18:
      switch (name.first, name.second, name.third) {
      case (0x7561_2d79_786f_7270, 0x6163_6974_6e65_6874, 0x6574): return .proxyAuthenticate
      case (0x7261_7772_6f66_2d78, 0x6665_7270_2d64_6564, 0x7869): return .xForwardedPrefix
      case (0x7261_7772_6f66_2d78, 0x7672_6573_2d64_6564, 0x7265): return .xForwardedServer
      case (0x6570_7061_7266_2d78, 0x616e_2d65_7469_732d, 0x656d): return .xFrappeSiteName
      case (0x2d6c_6563_6361_2d78, 0x6172_2d74_696d_696c, 0x6574): return .xAccelLimitRate
      default: return .other
      }
    case 19:
      switch (name.first, name.second, name.third) {
      case (0x7561_2d79_786f_7270, 0x7461_7a69_726f_6874, 0x6e_6f69): return .proxyAuthorization
      case (0x646f_6d6e_752d_6669, 0x6973_2d64_6569_6669, 0x65_636e): return .ifUnmodifiedSince
      case (0x2d74_6e65_746e_6f63, 0x7469_736f_7073_6964, 0x6e_6f69): return .contentDisposition
      default: return .other
      }
    case 20:
      switch (name.first, name.second, name.third) {
      case (0x7362_6577_2d63_6573, 0x6361_2d74_656b_636f, 0x7470_6563): return .secWebSocketAccept
      default: return .other
      }
    case 21:
      switch (name.first, name.second, name.third) {
      case (0x7362_6577_2d63_6573, 0x6576_2d74_656b_636f, 0x6e_6f69_7372):
        return .secWebSocketVersion
      default: return .other
      }
    case 22:
      switch (name.first, name.second, name.third) {
      case (0x2d78_2d65_7375_2d78, 0x6572_2d6c_6563_6361, 0x7463_6572_6964):
        return .xUseXAccelRedirect
      case (0x7362_6577_2d63_6573, 0x7270_2d74_656b_636f, 0x6c6f_636f_746f):
        return .secWebSocketProtocol
      default: return .other
      }
    case 23:
      switch (name.first, name.second, name.third) {
      case (0x7261_7772_6f66_2d78, 0x6569_6c63_2d64_6564, 0x74_7265_632d_746e):
        return .xForwardedClientCert
      default: return .other
      }
    case 24:
      switch (name.first, name.second, name.third) {
      case (0x7362_6577_2d63_6573, 0x7865_2d74_656b_636f, 0x736e_6f69_736e_6574):
        return .secWebSocketExtensions
      default: return .other
      }
    default: return .other
    }
  }
}
