// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]
/// Martlet's own loop, sockets and parsers, and nothing else.
let martlet: [Target.Dependency] = [.product(name: "Reactor", package: "martlet")]

// A package of its own, so that who builds the product does not build this.
let package = Package(
  name: "load",
  dependencies: [.package(name: "martlet", path: "../..")],
  targets: [
    .systemLibrary(name: "CTimer"),
    .target(
      name: "LoadGenerator", dependencies: ["CTimer"] + martlet, swiftSettings: settings),
    .executableTarget(
      name: "load", dependencies: ["LoadGenerator"] + martlet, swiftSettings: settings),
    .testTarget(
      name: "LoadGeneratorTests", dependencies: ["LoadGenerator"] + martlet,
      swiftSettings: settings),
  ]
)
