/// Bytes in base64 (RFC 4648 §4), padded.
func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    bits <<= UInt32(8 * (3 - group.count))
    for i in 0..<4 {
      text.append(
        i <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * i) & 63)] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}

/// Bytes as lower-case hexadecimal digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// A JSON string (RFC 8259 §7), quotes included.
func json(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    case "\r": quoted += "\\r"
    case "\t": quoted += "\\t"
    case ..<" ", "\u{7F}": quoted += "\\u00" + hexadecimal([UInt8(scalar.value)])
    // Harmless in JSON, not in a page that carries it.
    case "<": quoted += "\\u003c"
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}

/// A JSON object of values that are JSON already.
func json(_ members: KeyValuePairs<String, String>) -> String {
  "{" + members.map { "\(json($0)):\($1)" }.joined(separator: ",") + "}"
}

/// A JSON array of values that are JSON already.
func json(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
