// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that who builds the product does not build this.
let package = Package(
  name: "micro",
  dependencies: [.package(name: "martlet", path: "../..")],
  targets: [
    .executableTarget(
      name: "pick", dependencies: [.product(name: "Balancing", package: "martlet")],
      swiftSettings: [.treatAllWarnings(as: .error)])
  ]
)
