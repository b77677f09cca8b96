import CLibraries

/// Reads a configuration file: YAML in, a checked `Configuration` or everything that is wrong out.
public enum ConfigurationReader {
  /// - Parameters:
  ///   - fileName: what diagnostics call the file.
  ///   - environment: what `${VAR}` may name.
  ///   - readFile: gives what `${file:/path}` names.
  ///   - view: looks at the file system, for warnings about files that are not there; nil asks
  ///     nothing.
  /// - Returns: a configuration when there is no error, and errors and warnings in the order of
  ///   the file.
  public static func read(
    text: String, fileName: String, environment: [String: String],
    readFile: @escaping (String) -> Result<String, ReadFailure>,
    view: FileSystemView? = nil
  ) -> (Configuration?, [Diagnostic]) {
    let source = SourceText(text, fileName: fileName)
    let document: YAMLDocument
    do throws(YAMLError) {
      document = try YAMLParser.parse(text)
    } catch {
      return (nil, [diagnostic(of: error, in: source)])
    }
    guard let root = document.root, !root.isNull else {
      let problem = "the file has nothing in it"
      return (nil, [Diagnostic(.error, file: fileName, problem: problem, advice: smallest)])
    }

    var reading = Reading(source: source, environment: environment, readFile: readFile)
    for twice in document.duplicateKeys {
      reading.report(
        twice.range, "\(Reading.quoted(twice.key)) is here twice",
        ["the first is on line \(twice.first.start.line); keep one of them"])
    }
    var configuration = Configuration.declaration.codec().read(root, &reading)
    if configuration != nil {
      configuration?.nameRoutes()
      configuration?.secrets = reading.secrets
    }
    if let configuration {
      Checks.run(on: configuration, &reading)
      let isSound = !reading.diagnostics.contains { $0.severity == .error }
      if isSound { Lints.run(on: configuration, view, &reading) }
      if let view { CertificateChecks.run(on: configuration, view, &reading) }
    }
    let diagnostics = reading.diagnostics.enumerated().sorted { a, b in
      (a.element.line ?? 0, a.element.column ?? 0, a.offset)
        < (b.element.line ?? 0, b.element.column ?? 0, b.offset)
    }.map(\.element)
    let isValid = !diagnostics.contains { $0.severity == .error }
    return (isValid ? configuration : nil, diagnostics)
  }

  private static let smallest = [
    "the least that serves:",
    "  listen: \":8080\"",
    "  pools: {web: {servers: [\"127.0.0.1:8000\"]}}",
    "  routes: [{proxy: web}]",
  ]

  /// libyaml's words are about its own rules; what they mostly mean is added.
  private static func diagnostic(of error: YAMLError, in source: SourceText) -> Diagnostic {
    let line = source.line(error.mark.line)
    let at = line.dropFirst(error.mark.column - 1).first
    var advice: [String] = []
    switch error.reason {
    case .syntax(let problem, let context):
      let words = problem + " " + (context ?? "")
      if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
        advice = ["YAML is indented by spaces: replace the tab"]
      } else if at == "*" || words.contains("scanning an alias") {
        advice = ["a value that begins with * needs quotes: \"*.example.com\""]
      } else if let at, "@`%".unicodeScalars.contains(at), words.contains("any token") {
        advice = ["a value that begins with \(at) needs quotes"]
      } else if words.contains("mapping values are not allowed") {
        advice = ["a value with \": \" in it needs quotes; or the indentation is wrong"]
      } else if words.contains("did not find expected key") {
        advice = ["keys of one mapping begin in the same column"]
      } else if words.contains("could not find expected ':'") {
        advice = ["a key ends with a colon and a space"]
      } else if words.contains("did not find expected ',' or") {
        advice = ["a list or mapping in brackets is not closed, or has no comma here"]
      } else if words.contains("unexpected end of stream") {
        advice = ["a quote is not closed"]
      }
    case .secondDocument: advice = ["a configuration is one document: remove the line ---"]
    case .unknownAlias(let name):
      advice = ["a value that begins with * needs quotes: \"*\(name)\""]
    case .unknownTag: advice = ["a value that begins with ! needs quotes"]
    case .keyIsNoScalar: advice = ["${VAR} at the beginning of a value needs no more braces"]
    case .tooLarge, .tooDeep, .tooManyNodes, .recursiveAlias, .badMerge: break
    }
    let end = YAMLMark(line: error.mark.line, column: error.mark.column + 1)
    return source.diagnostic(
      .error, at: YAMLRange(start: error.mark, end: end), "not YAML: \(error)", advice)
  }
}

extension Configuration {
  /// Routes without a name are called by what they match.
  fileprivate mutating func nameRoutes() {
    var taken = Set(routes.map(\.name))
    for i in routes.indices where routes[i].name.isEmpty {
      let base = String(routes[i].match.path.text.prefix(80))
      var name = base
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(base) (\(number))"
        number += 1
      }
      routes[i].name = name
    }
  }
}

extension PathPattern {
  var text: String {
    switch self {
    case .exact(let text), .prefix(let text, _), .regex(let text): text
    }
  }
}
