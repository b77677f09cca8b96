extension Configuration {
  /// The whole configuration as a file, every default filled in, which reads as the same again.
  ///
  /// What came out of `${file:…}` is written as that expression, never as what the file held.
  public func effectiveYAML() -> String {
    let secrets = secrets.expressions
    let value = Configuration.declaration.write(self).mapStrings { text in
      secrets[text] ?? Configuration.escaped(text)
    }
    return YAMLWriter.text(value)
  }

  /// `${` in a value is written `$${`, so that reading it replaces nothing.
  private static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      if previous == "$", scalar == "{" { escaped.append("$") }
      escaped.append(scalar)
      previous = scalar
    }
    return String(escaped)
  }
}
