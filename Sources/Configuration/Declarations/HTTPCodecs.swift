import Network

/// The texts of HTTP that a configuration holds, checked so that a head made of them is one.
enum HTTPText {
  /// RFC 9110 §5.6.2.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy {
        ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
          || "!#$%&'*+-.^_`|~".unicodeScalars.contains($0)
      }
  }

  static let tokenPattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"

  /// RFC 9110 §5.5: no control characters, no white space at the ends.
  static func checkValue(_ text: String) throws(Complaint) {
    for scalar in text.unicodeScalars where (scalar < " " && scalar != "\t") || scalar == "\u{7F}" {
      throw Complaint("has a control character, which no header may have")
    }
    guard !text.hasPrefix(" "), !text.hasSuffix(" ") else {
      throw Complaint("has spaces at its ends, which no header keeps")
    }
  }

  static func checkName(_ text: String) throws(Complaint) {
    guard isToken(text) else {
      throw Complaint(
        "is not the name of a header",
        [
          text.hasSuffix(":")
            ? "leave out the colon" : "names are letters, digits and -, for example X-Canary"
        ])
    }
  }

  /// A host without port, a name or an address, as Host has it (RFC 9110 §7.2).
  static func checkHost(_ text: String) throws(Complaint) {
    if text.contains("://") {
      throw Complaint("is a URL", ["write the host alone, for example erp.example.com"])
    }
    if text.hasPrefix("["), text.hasSuffix("]") {
      let inner = String(text.dropFirst().dropLast())
      if inner.contains(":"), IPAddress(inner) != nil { return }
    }
    do throws(AddressError) {
      let endpoint = try Endpoint(text, defaultPort: 80)
      guard case .any = endpoint.host else { return }
      throw AddressError(.badHostName, at: 0)
    } catch {
      throw Complaint(error)
    }
  }
}

extension Codec where Value == String {
  static var fieldName: Codec {
    .text(
      "the name of a header", pattern: HTTPText.tokenPattern, examples: ["X-Canary"],
      check: HTTPText.checkName)
  }

  static var fieldValue: Codec { .text("a text", check: HTTPText.checkValue) }

  static var token: Codec {
    .text("a word", pattern: HTTPText.tokenPattern) { text throws(Complaint) in
      guard HTTPText.isToken(text) else {
        throw Complaint("is not one word", ["write letters, digits, - and _"])
      }
    }
  }

  /// Of a URL.
  static var path: Codec {
    .text("a path", pattern: "^/", examples: ["/assets"]) { text throws(Complaint) in
      try checkPath(text)
    }
  }

  static func checkPath(_ text: String) throws(Complaint) {
    guard text.hasPrefix("/") else {
      throw Complaint("does not begin with /", ["did you mean /\(text)?"])
    }
    for scalar in text.unicodeScalars where scalar <= " " || scalar == "\u{7F}" {
      throw Complaint("has a space or control character", ["write it as %20 or the like"])
    }
  }

  /// Of the file system.
  static var filePath: Codec {
    .text("an absolute path", pattern: "^/", examples: ["/srv/sites"]) { text throws(Complaint) in
      guard text.hasPrefix("/") else {
        throw Complaint(
          "is not an absolute path", ["write it from the root on: /\(text), or where it is"])
      }
      guard !text.unicodeScalars.contains("\0") else {
        throw Complaint("has a NUL, which no path may have")
      }
    }
  }
}

extension Codec where Value == [HeaderField] {
  /// Headers by name.
  static var fields: Codec {
    let value = Codec<String>.fieldValue
    return .dictionary(
      keyNoun: "names of headers", keyPattern: HTTPText.tokenPattern, shape: value.shape,
      checkKey: HTTPText.checkName,
      item: { name in
        value.map({ HeaderField(name: name, value: $0) }, { $0.value })
      }, name: \.name)
  }
}
