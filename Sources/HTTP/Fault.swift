/// What can be wrong with the bytes of a message.
public enum Fault: UInt8, CaseIterable, Sendable {
  // The first line.
  case emptyLine, method, methodTooLong, methodNotImplemented
  case target, targetForm, targetTooLong, spaces, version, versionMissing, versionNotSupported
  case statusLine, status, statusLineTooLong
  // Lines.
  case bareCR, bareLF, fieldName, spaceBeforeColon, fold, fieldValue
  case headTooLong, tooManyFields
  // What fields say.
  case hostMissing, hostRepeated, host, hostDiffers
  case contentLength, contentLengthRepeated, lengthAndCoding
  case transferEncoding, transferEncodingRepeated, transferCodingUnknown, transferEncodingIn10
  case bodyForbidden, connection, connectionNamesEndToEnd, tooManyConnectionOptions, expectation
  // Chunks and trailers.
  case chunkSize, chunkTooLarge, chunkExtension, chunkExtensionsTooLong, chunkEnd
  case trailersTooLong
  // Paths.
  case percentEncoding, nulInPath, aboveRoot, pathTooLong
  // WebSocket frames.
  case frameReservedBits, frameOpcode, frameLength, frameControlTooLong, frameControlFragmented

  /// The status that tells a client about it.
  public var status: UInt16 {
    switch self {
    case .targetTooLong, .pathTooLong: 414
    case .expectation: 417
    case .headTooLong, .tooManyFields, .trailersTooLong: 431
    case .methodTooLong, .methodNotImplemented, .transferCodingUnknown: 501
    case .versionNotSupported: 505
    default: 400
    }
  }
}

extension Fault: CustomStringConvertible {
  public var description: String { String(describing: text) }

  /// What is wrong, in words for a log.
  public var text: StaticString {
    switch self {
    case .emptyLine: "more than one empty line before the request line"
    case .method: "the method holds a byte that no token does"
    case .methodTooLong: "the method is longer than any that is known"
    case .methodNotImplemented: "the method is not implemented"
    case .target: "the target holds a byte that must be percent-encoded"
    case .targetForm: "the target has no form that the method allows"
    case .targetTooLong: "the request line is too long"
    case .spaces: "the first line holds more whitespace than its two spaces"
    case .version: "the version is malformed"
    case .versionMissing: "the request line has no version"
    case .versionNotSupported: "the version is not HTTP/1"
    case .statusLine: "the status line is malformed"
    case .status: "the status is not a number from 100 to 599"
    case .statusLineTooLong: "the status line is too long"
    case .bareCR: "a CR without its LF"
    case .bareLF: "an LF without its CR"
    case .fieldName: "a field name is empty or holds a byte that no token does"
    case .spaceBeforeColon: "whitespace between a field name and its colon"
    case .fold: "a line begins with whitespace"
    case .fieldValue: "a field value holds a control byte"
    case .headTooLong: "the head is too long"
    case .tooManyFields: "the head has too many fields"
    case .hostMissing: "Host is missing"
    case .hostRepeated: "Host is repeated"
    case .host: "Host is malformed"
    case .hostDiffers: "the target names another host than Host"
    case .contentLength: "Content-Length is not a decimal number"
    case .contentLengthRepeated: "Content-Length is repeated"
    case .lengthAndCoding: "Content-Length stands beside Transfer-Encoding"
    case .transferEncoding: "Transfer-Encoding is not a single final chunked"
    case .transferEncodingRepeated: "Transfer-Encoding is repeated"
    case .transferCodingUnknown: "Transfer-Encoding names a coding that is not implemented"
    case .transferEncodingIn10: "Transfer-Encoding in HTTP/1.0"
    case .bodyForbidden: "the status allows no body, yet one is announced"
    case .connection: "Connection is not a list of tokens"
    case .connectionNamesEndToEnd: "Connection names a field that is for all recipients"
    case .tooManyConnectionOptions: "Connection names too many fields"
    case .expectation: "Expect is not 100-continue"
    case .chunkSize: "a chunk size is not a hexadecimal number on a line of its own"
    case .chunkTooLarge: "a chunk size has too many digits"
    case .chunkExtension: "a chunk extension is malformed"
    case .chunkExtensionsTooLong: "the chunk extensions are too long"
    case .chunkEnd: "a chunk does not end in CRLF"
    case .trailersTooLong: "the trailers are too long or too many"
    case .percentEncoding: "% is not followed by two hexadecimal digits"
    case .nulInPath: "the path holds a NUL"
    case .aboveRoot: "the path leads above its root"
    case .pathTooLong: "the path is too long"
    case .frameReservedBits: "a frame sets a reserved bit"
    case .frameOpcode: "a frame has a reserved opcode"
    case .frameLength: "a frame's length is not in its shortest form"
    case .frameControlTooLong: "a control frame holds more than 125 bytes"
    case .frameControlFragmented: "a control frame is fragmented"
    }
  }
}
