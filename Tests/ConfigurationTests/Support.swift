import Configuration
import Glibc

/// Files beside the tests, and the repository around them.
enum Files {
  static let tests = String(#filePath.dropLast("/Support.swift".count))
  static let repository = String(tests.dropLast("/Tests/ConfigurationTests".count))

  static func read(_ path: String) -> String? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = unsafe getc(file), byte != EOF {
      bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func write(_ text: String, to path: String) {
    guard let file = unsafe fopen(path, "w") else { return }
    defer { unsafe fclose(file) }
    for byte in text.utf8 { unsafe putc(CInt(byte), file) }
  }

  /// Names in a directory, in order.
  static func names(in path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names.sorted()
  }

  /// Expected texts are written anew instead of compared: `UPDATE_EXPECTED=1 swift test`.
  static var areUpdated: Bool { unsafe getenv("UPDATE_EXPECTED") != nil }
}

/// What every test reads with: a small environment and one secret.
func read(
  _ text: String, fileName: String = "martlet.yaml", environment: [String: String] = [:],
  files: [String: String] = [:], view: FileSystemView? = nil
) -> (Configuration?, [Diagnostic]) {
  ConfigurationReader.read(
    text: text, fileName: fileName, environment: environment,
    readFile: { path in files[path].map { .success($0) } ?? .failure(ReadFailure("no such file")) },
    view: view)
}
