import CLibraries

/// Replaces `${VAR}`, `${VAR:-default}` and `${file:/path}` in a scalar; `$${` stands for `${`.
///
/// What a variable or file holds is not looked through again.
struct Interpolation {
  /// How deeply defaults may hold variables.
  private static let depthLimit = 8

  private let environment: [String: String]
  private let readFile: Reading.ReadFile
  private(set) var usesFile = false

  init(environment: [String: String], readFile: @escaping Reading.ReadFile) {
    self.environment = environment
    self.readFile = readFile
  }

  mutating func replace(in text: String) throws(Complaint) -> String {
    let scalars = Array(text.unicodeScalars)
    return try replace(in: scalars[...], depth: 0)
  }

  private mutating func replace(
    in scalars: ArraySlice<Unicode.Scalar>, depth: Int
  ) throws(Complaint) -> String {
    var result = String.UnicodeScalarView()
    var i = scalars.startIndex
    while i < scalars.endIndex {
      let rest = scalars[i...]
      if rest.starts(with: "$${".unicodeScalars) {
        result.append(contentsOf: "${".unicodeScalars)
        i += 3
      } else if rest.starts(with: "${".unicodeScalars) {
        guard let end = Interpolation.end(of: rest) else {
          throw Complaint(
            "opens ${ and never closes it", ["close it with }, or write $${ for the text ${"],
            at: i..<scalars.endIndex)
        }
        let inner = scalars[i + 2..<end]
        result.append(
          contentsOf: try value(of: inner, at: i..<end + 1, depth: depth).unicodeScalars)
        i = end + 1
      } else {
        result.append(scalars[i])
        i += 1
      }
    }
    return String(result)
  }

  /// Where the brace is that closes the one at the beginning; a default may hold braces of its
  /// own, as in `${SITE:-{host}}`.
  private static func end(of scalars: ArraySlice<Unicode.Scalar>) -> Int? {
    var depth = 0
    for i in scalars.indices {
      if scalars[i] == "{" { depth += 1 }
      if scalars[i] == "}" {
        depth -= 1
        if depth == 0 { return i }
      }
    }
    return nil
  }

  private mutating func value(
    of inner: ArraySlice<Unicode.Scalar>, at part: Range<Int>, depth: Int
  ) throws(Complaint) -> String {
    let text = string(inner)
    if text.hasPrefix("file:") { return try contents(String(text.dropFirst(5)), at: part) }
    let name = inner.prefix {
      ("A"..."Z").contains($0) || ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
    }
    let rest = inner.dropFirst(name.count)
    let variable = string(name)
    guard !name.isEmpty, rest.isEmpty || rest.starts(with: ":-".unicodeScalars) else {
      throw Complaint(
        "has a ${…} that means nothing",
        [
          "write ${NAME}, ${NAME:-default} or ${file:/path}, or $${ for the text ${"
        ], at: part)
    }
    let value = environment[variable]
    guard rest.isEmpty else {
      if let value, !value.isEmpty { return value }
      guard depth < Interpolation.depthLimit else {
        throw Complaint("has too many ${ inside of each other", at: part)
      }
      return try replace(in: rest.dropFirst(2), depth: depth + 1)
    }
    guard let value else {
      let near = Suggestion.closest(to: variable, among: environment.keys.sorted())
      throw Complaint(
        "needs the environment variable \(variable), which is not set",
        (near.map { ["did you mean \($0), which is set?"] } ?? [])
          + ["set it, or give a default: ${\(variable):-…}"], at: part)
    }
    return value
  }

  private mutating func contents(_ path: String, at part: Range<Int>) throws(Complaint) -> String {
    guard path.hasPrefix("/") else {
      throw Complaint(
        "names a file that has no absolute path", ["for example ${file:/run/secrets/token}"],
        at: part)
    }
    usesFile = true
    switch readFile(path) {
    case .success(let text):
      // Editors and `echo` end files with a line feed that is not meant.
      var scalars = text.unicodeScalars
      if scalars.last == "\n" {
        scalars.removeLast()
        if scalars.last == "\r" { scalars.removeLast() }
      }
      return String(scalars)
    case .failure(let failure):
      throw Complaint("needs the file \(path), which cannot be read: \(failure.reason)", at: part)
    }
  }

  private func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}

extension Reading {
  /// A scalar with its variables replaced, or nil when that was reported as impossible.
  mutating func text(_ raw: String, _ style: YAMLNode.Style, at range: YAMLRange) -> Text? {
    var interpolation = Interpolation(environment: environment, readFile: readFile)
    do throws(Complaint) {
      let value = try interpolation.replace(in: raw)
      if interpolation.usesFile { secrets.add(value, from: raw) }
      return Text(
        value: value, raw: raw, style: style, range: range, isSecret: interpolation.usesFile)
    } catch {
      let text = Text(value: raw, raw: raw, style: style, range: range, isSecret: false)
      let subject = subject
      report(self.range(of: error.part, in: text), "\(subject) \(error.problem)", error.advice)
      return nil
    }
  }
}
