// swift-tools-version: 6.2
import PackageDescription

/// As in the product's Package.swift.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A module of the product, compiled here from its own sources: Sources/NAME is a link.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], without: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: without, swiftSettings: strict)
}

/// What measures Tally: `openloop`, the open-loop load generator, which `run.py` drives, `codec`, protobuf beside protobuf-c,
/// and `profiles`, what a row of the age pipeline costs.
let package = Package(
  name: "tally-benchmarks",
  products: [
    .executable(name: "openloop", targets: ["openloop"]), .executable(name: "codec", targets: ["codec"]),
    .executable(name: "profiles", targets: ["profiles"]),
  ],
  dependencies: [.package(url: "https://github.com/jpsim/Yams", exact: "6.2.2")],
  targets: [
    .executableTarget(
      name: "openloop", linkerSettings: [.linkedLibrary("rdkafka"), .linkedLibrary("pthread")]),
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash"),
    .target(name: "CUnpack", dependencies: ["CRdKafka", "CZlib", "CZstd"]),
    .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "CEvents", linkerSettings: [.linkedLibrary("protobuf-c")]),
    module("Events"),
    module("Features", ["Events"]),
    module("Dataflow", ["Events", "Features"]),
    module("Kafka", ["Dataflow", "CRdKafka", "CUnpack"]),
    module(
      "Ingest",
      ["Events", "Features", "Dataflow", "Kafka", "CSimdjson", "CZlib", "CZstd", "CCrypto", "CXXHash"]),
    // The encoders alone; what writes dead letters needs the tables.
    module("Sink", ["Events", "Dataflow"], without: ["DeadLetterEncoding.swift"]),
    module("Synthetic", ["Events", "Dataflow"]),
    module(
      "Declaration", ["Events", "Features", "Dataflow", .product(name: "Yams", package: "Yams")]),
    .executableTarget(
      name: "profiles",
      dependencies: ["Events", "Features", "Dataflow", "Declaration", "Ingest", "Synthetic"],
      swiftSettings: strict),
    .executableTarget(
      name: "codec",
      dependencies: [
        "Events", "Features", "Dataflow", "Ingest", "Sink", "Synthetic", "CEvents", "CSimdjson",
      ],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)
