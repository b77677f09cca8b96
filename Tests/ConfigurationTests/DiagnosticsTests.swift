import Configuration
import Testing

struct DiagnosticsTests {
  static let broken = Files.names(in: "\(Files.tests)/Broken").filter { $0.hasSuffix(".yaml") }

  /// What every broken file is read with.
  static let environment = [
    "BACKENDS": "merged-a:8000, merged b:8000,", "HOME": "/home/frappe",
  ]
  static let files = ["/run/secrets/password": "hunter2\n"]

  @Test(arguments: broken)
  func `a broken file says all that is wrong with it`(_ name: String) throws {
    let path = "\(Files.tests)/Broken/\(name)"
    let text = try #require(Files.read(path))
    let (configuration, diagnostics) = read(
      text, fileName: name, environment: DiagnosticsTests.environment,
      files: DiagnosticsTests.files)
    #expect(configuration == nil)
    let said = diagnostics.map { $0.description + "\n" }.joined(separator: "\n")
    #expect(!said.contains("hunter2"))
    let expected = String(path.dropLast(5)) + ".txt"
    if Files.areUpdated { Files.write(said, to: expected) }
    #expect(said == Files.read(expected))
  }

  @Test func `there are enough broken files`() {
    #expect(DiagnosticsTests.broken.count >= 20)
  }
}
