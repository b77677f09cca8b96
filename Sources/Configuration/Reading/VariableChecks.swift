/// What is wrong with variables although every text that names them is well-formed.
enum VariableChecks {
  static func run(on configuration: Configuration, _ reading: inout Reading) {
    let names = configuration.variables.map(\.name)
    func check(_ template: Template?, at path: [String]) {
      for case .named(let name) in template?.variables ?? [] where !names.contains(name) {
        report(name, among: names, at: path, &reading)
      }
    }
    for variable in configuration.variables {
      let path = ["variables", variable.name]
      check(variable.subject, at: path + ["of"])
      for row in variable.map { check(row.value, at: path + ["map", row.key]) }
      check(variable.standard, at: path + ["default"])
      checkMap(variable, at: path, &reading)
    }
    checkCircles(configuration.variables, &reading)
    for (path, edits) in headerEdits(of: configuration) {
      for edit in edits.set { check(edit.value, at: path + ["set", edit.name]) }
      for edit in edits.add { check(edit.value, at: path + ["add", edit.name]) }
    }
    for pool in configuration.pools {
      if case .template(let template) = pool.host {
        check(template, at: ["pools", pool.name, "host"])
      }
    }
    for (i, route) in configuration.routes.enumerated() {
      guard case .files(let files) = route.action else { continue }
      checkCandidates(files, names, at: ["routes", String(i), "files", "try"], &reading)
    }
  }

  private static func headerEdits(
    of configuration: Configuration
  ) -> [(path: [String], edits: HeaderEdits)] {
    var all: [(path: [String], edits: HeaderEdits)] = [
      (["request_headers"], configuration.requestHeaders),
      (["response_headers"], configuration.responseHeaders),
    ]
    for (i, route) in configuration.routes.enumerated() {
      all.append((["routes", String(i), "request_headers"], route.requestHeaders))
      all.append((["routes", String(i), "response_headers"], route.responseHeaders))
    }
    return all
  }

  private static func report(
    _ name: String, among names: [String], at path: [String], _ reading: inout Reading
  ) {
    reading.report(
      at: path, "there is no variable {\(name)}",
      Suggestion.advice(
        for: name, among: Variable.names(with: names), synonyms: Variable.synonyms))
  }

  private static func checkMap(
    _ variable: VariableSettings, at path: [String], _ reading: inout Reading
  ) {
    if variable.subject == nil, !variable.map.isEmpty {
      reading.report(
        atKey: path + ["map"], "\(variable.name) has a map and nothing to look for in it",
        ["say of what: of: \"{host}\""])
    }
    if variable.subject != nil, variable.map.isEmpty {
      reading.report(
        atKey: path + ["of"], "\(variable.name) has no map to look in", ["add map, or remove of"])
    }
    for (i, row) in variable.map.enumerated()
    where variable.map[..<i].contains(where: { $0.key.lowercased() == row.key.lowercased() }) {
      reading.report(
        atKey: path + ["map", row.key],
        "\(Reading.quoted(row.key)) is here twice: keys are compared without regard to case",
        ["keep one of them"])
    }
  }

  /// A variable must not be made of itself.
  private static func checkCircles(_ variables: [VariableSettings], _ reading: inout Reading) {
    for variable in variables where leads(from: variable.name, to: variable.name, variables) {
      reading.report(
        at: ["variables", variable.name], "{\(variable.name)} is made of itself",
        ["a variable can name only variables that do not lead back to it"])
    }
  }

  private static func leads(
    from start: String, to goal: String, _ variables: [VariableSettings]
  ) -> Bool {
    var pending = [start]
    var seen: Set<String> = []
    while let name = pending.popLast() {
      guard let variable = variables.first(where: { $0.name == name }) else { continue }
      let templates = [variable.subject, variable.standard] + variable.map.map(\.value)
      for case .named(let next) in templates.compactMap({ $0 }).flatMap(\.variables) {
        if next == goal { return true }
        if seen.insert(next).inserted { pending.append(next) }
      }
    }
    return false
  }

  /// `{path}`, and one other variable for the name of one directory.
  private static func checkCandidates(
    _ files: FilesSettings, _ names: [String], at path: [String], _ reading: inout Reading
  ) {
    var first: Variable?
    for (i, text) in files.candidates.enumerated() {
      guard let template = try? Template(parsing: text) else { continue }
      let place = reading.has(path + [String(i)]) ? path + [String(i)] : path
      for variable in template.variables where variable != .named("path") {
        if case .named(let name) = variable, !names.contains(name) {
          reading.report(
            at: place, "there is no variable {\(name)}",
            Suggestion.advice(for: name, among: ["path"] + Variable.names(with: names)))
        } else if let first, first != variable {
          reading.report(
            at: place, "{\(first.text)} and {\(variable.text)} stand in one list",
            ["one variable may stand beside {path}: make one of both under variables"])
        }
        first = first ?? variable
      }
    }
  }
}
