import ArgumentParser
import Configuration

/// `martlet schema`: what editors complete and check configurations with.
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of configurations, for editors.",
    discussion: """
      Save it beside a configuration that begins with \
      "# yaml-language-server: $schema=martlet.schema.json".
      """)

  func run() throws {
    print(JSONSchema.text(), terminator: "")
  }
}
