import Configuration
import Testing

struct ShippedFilesTests {
  @Test(arguments: ["minimal", "erpnext", "frappe", "tls"])
  func `a file that is shipped is right and has no warnings`(_ name: String) throws {
    let text = try #require(Files.read("\(Files.repository)/config/\(name).yaml"))
    let (configuration, diagnostics) = read(text, fileName: "\(name).yaml")
    #expect(diagnostics.map(\.description) == [])
    #expect(configuration != nil)
    #expect(text.hasPrefix("# yaml-language-server: $schema=martlet.schema.json\n"))
  }

  @Test(arguments: ["minimal", "erpnext", "frappe", "tls"])
  func `what is effective reads as the same again`(_ name: String) throws {
    let text = try #require(Files.read("\(Files.repository)/config/\(name).yaml"))
    let configuration = try #require(read(text).0)
    let effective = configuration.effectiveYAML()
    let (again, diagnostics) = read(effective)
    #expect(diagnostics.map(\.description) == [])
    #expect(again == configuration)
    #expect(again?.effectiveYAML() == effective)
  }

  @Test func `the schema in config is the one that the reader makes`() throws {
    let path = "\(Files.repository)/config/martlet.schema.json"
    let text = JSONSchema.text()
    if Files.areUpdated { Files.write(text, to: path) }
    let isCurrent = Files.read(path) == text
    #expect(isCurrent, "run: UPDATE_EXPECTED=1 swift test --filter ConfigurationTests")
  }
}
