// swift-tools-version: 6.2
import PackageDescription

// Floors: a target lists only targets below it (docs/architecture.md).
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]
/// Only `Memory` hands out spans of storage that it owns; its callers need no such feature.
let lifetimes = settings + [.enableExperimentalFeature("Lifetimes")]

/// Folders of tests that hold what is read and what is expected, beside the code.
let golden = ["Configuration": ["Broken"]]

func floor(_ name: String, _ below: [Target.Dependency], _ swift: [SwiftSetting] = settings)
  -> [Target]
{
  [
    .target(name: name, dependencies: below, swiftSettings: swift),
    .testTarget(
      name: "\(name)Tests", dependencies: [.target(name: name)] + below,
      exclude: golden[name, default: []], swiftSettings: settings),
  ]
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
  name: "martlet",
  products: [
    .executable(name: "martlet", targets: ["martlet"]),
    // For Benchmarks/micro.
    .library(
      name: "Floors",
      targets: [
        "Balancing", "Configuration", "Files", "HTTP", "Memory", "Network", "Reactor", "Routing",
      ]),
    // For Benchmarks/load.
    .library(name: "Reactor", targets: ["CLibraries", "HTTP", "Memory", "Network", "Reactor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // 0: system libraries
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CYAML"),
    .systemLibrary(name: "CPCRE2"),
    .systemLibrary(name: "CCares"),
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CISAL"),
    .systemLibrary(name: "COpenSSL"),
  ]
    // 1: bytes, addresses, safe faces of C libraries
    + floor("Memory", ["CLinux"], lifetimes)
    + floor("Network", [])
    + floor(
      "CLibraries",
      ["CYAML", "CPCRE2", "CCares", "CZlib", "CISAL", "COpenSSL", "Memory", "Network"])
    // 2: the kernel, the protocol, the file that users write
    + floor("Reactor", ["CLibraries", "CLinux", "Memory", "Network"])
    + floor("HTTP", ["Memory"])
    + floor("Configuration", ["CLibraries", "Network"])
    // 3: decisions
    + floor("Routing", ["CLibraries", "Configuration", "HTTP", "Memory", "Network"])
    + floor("Balancing", ["Configuration", "Memory", "Network"])
    + floor("Files", ["CLibraries", "HTTP", "Memory", "Reactor"])
    // 4: the data path
    + floor(
      "Proxy",
      [
        "Balancing", "CLibraries", "Configuration", "Files", "HTTP", "Memory", "Network", "Reactor",
        "Routing",
      ])
    // 5: everything around it
    + floor(
      "Operations",
      [
        "Balancing", "CLibraries", "Configuration", "Files", "HTTP", "Memory", "Network", "Proxy",
        "Reactor", "Routing", logging,
      ])
    + floor("Demo", ["HTTP", "Memory", "Network", "Reactor"])
    // 6: the command line
    + [
      .executableTarget(
        name: "martlet",
        dependencies: [
          "CLibraries", "Configuration", "Demo", "Network", "Operations", "Reactor", logging,
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        resources: [.embedInCode("erpnext.yaml"), .embedInCode("frappe.yaml")],
        swiftSettings: settings)
    ]
)
