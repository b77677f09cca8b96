import ArgumentParser

@main
struct Martlet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martlet",
    abstract: "A reverse proxy and load balancer for ERPNext.", version: "0.1.0",
    subcommands: [
      RunCommand.self, FrappeCommand.self, CheckCommand.self, SchemaCommand.self, DemoCommand.self,
      CertCommand.self,
    ])
}
