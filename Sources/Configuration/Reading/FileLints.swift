/// What a configuration expects of the file system and does not find there: mostly shares that
/// are not mounted, and what ERPNext's containers leave in theirs.
enum FileLints {
  /// The file system does not answer: nothing more is asked of it.
  private struct Silence: Error {
    let path: String
    /// Where the configuration names it.
    let place: [String]
  }

  static func run(
    on configuration: Configuration, _ view: FileSystemView, _ reading: inout Reading
  ) {
    do throws(Silence) {
      try lintSpill(configuration.limits, view, &reading)
      for (i, route) in configuration.routes.enumerated() {
        guard case .files(let settings) = route.action else { continue }
        try lint(settings, route.match, at: ["routes", String(i), "files"], view, &reading)
      }
    } catch {
      reading.report(
        .warning, at: error.place,
        "\(error.path) did not answer in time: whether files are there was not looked at",
        ["requests for its files wait for it, too: see to the share that is mounted there"])
    }
  }

  private static func look(
    at path: String, for place: [String], _ view: FileSystemView
  ) throws(Silence) -> PathKind {
    let kind = view.kind(path)
    if kind == .silent { throw Silence(path: path, place: place) }
    return kind
  }

  private static func lintSpill(
    _ limits: Limits, _ view: FileSystemView, _ reading: inout Reading
  ) throws(Silence) {
    guard limits.spillBytes > 0 else { return }
    let place = ["limits", "spill_directory"]
    guard try look(at: limits.spillDirectory, for: place, view) != .directory else { return }
    reading.report(
      .warning, at: place,
      "\(limits.spillDirectory) is not a directory here: bodies will stream, not spill",
      ["create it, or write spill: 0"])
  }

  // MARK: Routes

  private static func lint(
    _ settings: FilesSettings, _ match: Match, at path: [String], _ view: FileSystemView,
    _ reading: inout Reading
  ) throws(Silence) {
    let (directory, key) =
      switch settings.base {
      case .root(let directory): (directory, "root")
      case .alias(let directory): (directory, "alias")
      }
    let place = path + [key]
    switch try look(at: directory, for: place, view) {
    case .directory:
      try lintLink(settings, match, in: trimmed(directory), at: place, view, &reading)
      for (i, candidate) in settings.candidates.enumerated() {
        let folders = folders(of: candidate, settings.base)
        try lint(folders, in: trimmed(directory), at: path + ["try", String(i)], view, &reading)
      }
    case .missing, .silent:
      reading.report(
        .warning, at: place, "there is no directory \(directory) here",
        ["every file will be missing until it is there"])
    case .danglingLink(let target):
      reading.report(
        .warning, at: place, "\(directory) is a symbolic link to \(target), which is not here",
        ["what it points to must be mounted here, too"])
    case .file, .other:
      reading.report(.warning, at: place, "\(directory) is not a directory", [])
    }
  }

  /// Frappe's containers make `sites/assets` a link to a directory of their own image, which is
  /// not there in another one.
  private static func lintLink(
    _ settings: FilesSettings, _ match: Match, in directory: String, at place: [String],
    _ view: FileSystemView, _ reading: inout Reading
  ) throws(Silence) {
    guard case .root = settings.base, settings.candidates.contains("{path}"),
      case .prefix(let prefix, _) = match.path
    else { return }
    let link = trimmed(directory + prefix)
    guard case .danglingLink(let target) = try look(at: link, for: place, view) else { return }
    reading.report(
      .warning, at: place, "\(link) is a symbolic link to \(target), which is not here",
      [
        "ERPNext's containers make such a link to a directory of their own image",
        "copy it from that image into this one, to the same path, with what it links to in apps; "
          + "or write alias with a directory that has the files",
      ])
  }

  // MARK: Templates

  /// The folders that a template names before the path: `{host}` and `public` of
  /// `/{host}/public{path}`.
  private static func folders(of candidate: String, _ base: FilesSettings.Base) -> [Substring] {
    var fixed = candidate[...]
    var isWhole = false
    if let path = candidate.firstRange(of: "{path}") {
      fixed = candidate[..<path.lowerBound]
      // Below a root the path begins with a slash; below an alias it need not.
      if case .root = base { isWhole = true }
    }
    if !isWhole, let slash = fixed.lastIndex(of: "/") { fixed = fixed[..<slash] }
    return fixed.split(separator: "/")
  }

  private static func lint(
    _ folders: [Substring], in directory: String, at place: [String], _ view: FileSystemView,
    _ reading: inout Reading
  ) throws(Silence) {
    guard try !exist(folders[...], in: directory, for: place, view) else { return }
    let path = "\(directory)/\(folders.joined(separator: "/"))"
    if folders.contains(where: hasVariable) {
      reading.report(
        .warning, at: place, "no site is here: there is no directory \(path)",
        [
          "every file will be missing until there is one: make a site (bench new-site), or mount "
            + "the share that has them at \(directory)"
        ])
    } else {
      reading.report(
        .warning, at: place, "there is no directory \(path) here",
        ["every file will be missing until it is there: is it the name of the site?"])
    }
  }

  /// Whether there are directories that the folders, one in the other, can stand for.
  ///
  /// It ends with the template; how many names it meets at each step the view bounds, and how
  /// long it takes in all, too.
  private static func exist(
    _ folders: ArraySlice<Substring>, in directory: String, for place: [String],
    _ view: FileSystemView
  ) throws(Silence) -> Bool {
    guard let folder = folders.first else { return true }
    var names = [String(folder)]
    if hasVariable(folder) {
      // A directory that does not tell what it holds may hold it.
      guard let all = view.names(directory) else { return true }
      names = all.filter { fits($0, folder) }
    }
    for name in names {
      let path = "\(directory)/\(name)"
      guard try look(at: path, for: place, view) == .directory else { continue }
      if try exist(folders.dropFirst(), in: path, for: place, view) { return true }
    }
    return false
  }

  private static func hasVariable(_ folder: Substring) -> Bool { folder.contains("{") }

  /// Whether a name can be what `folder` becomes: by what stands before its first variable and
  /// behind its last.
  private static func fits(_ name: String, _ folder: Substring) -> Bool {
    let before = folder.prefix { $0 != "{" }
    let after = folder.reversed().prefix { $0 != "}" }.reversed()
    return name.count > before.count + after.count
      && name.hasPrefix(before) && name.hasSuffix(String(after))
  }

  /// Without slashes at its end.
  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
