// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that who builds the product does not build this.
let package = Package(
  name: "micro",
  dependencies: [.package(name: "martlet", path: "../..")],
  targets: [
    .target(name: "CAllocations"),
    .executableTarget(
      name: "micro",
      dependencies: ["CAllocations", .product(name: "Floors", package: "martlet")],
      swiftSettings: [.treatAllWarnings(as: .error)]),
  ]
)
