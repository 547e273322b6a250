// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: Swift 6 mode, strict imports, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// Bugs can be planted in debug builds, to show that tests and simulation find them; release builds have none of it.
let bugs: SwiftSetting = .define("PLANTED_BUGS", .when(configuration: .debug))

/// What the guarantees cost is measured beside a program that has none. It is never shipped: Benchmarks/measure.py alone sets this.
let isWithoutGuarantees = Context.environment["TALLY_WITHOUT_GUARANTEES"] == "1"
/// Debug builds, and so all tests, check at run time that nobody changes what another one reads. Release builds do without it: 6 % of
/// a row.
let exclusivity: SwiftSetting = .unsafeFlags(
  ["-enforce-exclusivity=unchecked"], .when(configuration: .release))
let settings = strict + [bugs, exclusivity] + (isWithoutGuarantees ? [.define("WITHOUT_GUARANTEES")] : [])

/// A Swift module of the house; `floor` documents where it stands (see ARCHITECTURE.md).
func module(_ name: String, floor: Int, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: data, swiftSettings: strict)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "tally",
  products: [.executable(name: "tally", targets: ["tally"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
  ],
  targets: [
    // Floor 0: C only.
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CXGBoost", providers: [.apt(["libxgboost-dev"])]),
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CLapack", pkgConfig: "lapack", providers: [.apt(["liblapack-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CUnpack", dependencies: ["CRdKafka", "CZlib", "CZstd"]),
    .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "CForest", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off"])]),
    .target(name: "CEvents", linkerSettings: [.linkedLibrary("protobuf-c")]),
    // Floor 1: pure Swift: no clock, no I/O, no logging, no Foundation.
    module("Events", floor: 1),
    module("Features", floor: 1, ["Events"]),
    module("Dataflow", floor: 1, ["Events", "Features"]),
    // Floor 2: one outside thing each.
    module("Kafka", floor: 2, ["Dataflow", "CRdKafka", "CUnpack"]),
    module("XGBoost", floor: 2, ["CXGBoost"]),
    module("Envelope", floor: 2, ["CEvents"]),
    module("Registry", floor: 2, ["Events"]),
    module("Declaration", floor: 2, ["Events", "Features", "Dataflow", yams]),
    module("Metrics", floor: 2, ["Events", "Dataflow", histogram]),
    module("Parquet", floor: 2, ["Events", "CSnappy", "CZlib", "CZstd"]),
    module("Tables", floor: 2, ["Events", "Dataflow", "CLibpq", "CCrypto", grdb, sqlite]),
    // Floor 3: adapters behind the ports.
    module(
      "Ingest", floor: 3,
      ["Events", "Features", "Dataflow", "Kafka", "CSimdjson", "CZlib", "CZstd", "CCrypto", "CXXHash"]),
    module("FeatureStore", floor: 3, ["Events", "Dataflow", "CHiredis"]),
    module("Scorer", floor: 3, ["Events", "Features", "Dataflow", "XGBoost", "Registry", "CForest"]),
    module("Sink", floor: 3, ["Events", "Dataflow", "Kafka", "Envelope", "Tables", grdb]),
    module("Synthetic", floor: 3, ["Events", "Dataflow"]),
    // Floor 4: the loop and the trainer.
    module("Pipeline", floor: 4, ["Events", "Features", "Dataflow"]),
    module("Report", floor: 4, ["Events", "Features", "Dataflow", "XGBoost", "Scorer"]),
    module(
      "Training", floor: 4,
      ["Events", "Features", "Dataflow", "XGBoost", "Registry", "Scorer", "Report", "Parquet", "CLapack"]),
    module("Verification", floor: 4, ["Events", "Features", "Dataflow", "Tables"]),
    // Floor 5: what looks at the loop from outside, and what people are shown.
    module("Simulation", floor: 5, ["Events", "Features", "Dataflow", "Pipeline"]),
    module("Monitor", floor: 5, ["Events", "Dataflow", "Metrics"]),
    module("Serve", floor: 5, ["Events", "Dataflow", "Metrics"]),
    module(
      "Configuration", floor: 5,
      [
        "Events", "Features", "Dataflow", "Kafka", "Declaration", "Ingest", "FeatureStore", "Scorer", "Sink",
        "Tables", "Pipeline", "Serve", logging,
      ]),
    module(
      "Operations", floor: 5,
      [
        "Events", "Features", "Dataflow", "Kafka", "Envelope", "Registry", "Ingest", "FeatureStore", "Tables",
        "Pipeline", "Verification", "Configuration",
      ]),
    // Floor 6: configuration, wiring, commands.
    .executableTarget(
      name: "tally",
      dependencies: [
        "Events", "Features", "Dataflow", "Kafka", "XGBoost", "Envelope", "Registry", "Metrics", "Tables",
        "Ingest", "FeatureStore", "Scorer", "Sink", "Synthetic", "Pipeline", "Simulation", "Report",
        "Training",
        "Verification", "Monitor", "Serve", "Configuration", "Operations", logging, arguments,
      ],
      swiftSettings: settings),
    // Tests; TestServers starts real servers on loopback ports of TestPorts, and mock brokers as a program of their own;
    // TestThreads keeps tests that wait off Swift's pool; TestNumbers gives numbers by seed.
    .target(name: "TestNumbers", path: "Tests/TestNumbers", swiftSettings: strict),
    .target(name: "TestPorts", path: "Tests/TestPorts", swiftSettings: strict),
    .target(name: "TestThreads", path: "Tests/TestThreads", swiftSettings: strict),
    .target(
      name: "TestServers", dependencies: ["Kafka", "TestPorts"], path: "Tests/TestServers",
      swiftSettings: strict),
    .target(
      name: "TestPlaces", dependencies: ["TestServers", "TestThreads"], path: "Tests/TestPlaces",
      swiftSettings: strict),
    .executableTarget(
      name: "MockBrokerProgram", dependencies: ["Kafka", "TestPorts"], path: "Tests/MockBrokerProgram",
      swiftSettings: strict),
    tests("HouseTests", []),
    tests("EventsTests", ["Events"]),
    tests("ParquetTests", ["TestThreads", "Events", "Parquet"], data: ["Files"]),
    tests("DataflowTests", ["Events", "Features", "Dataflow", "TestNumbers"]),
    .target(name: "CMallocCounter", path: "Tests/CMallocCounter"),
    tests("FeaturesTests", ["TestNumbers", "Events", "Features", "CEvents", "CMallocCounter"]),
    tests("DeclarationTests", ["Events", "Features", "Dataflow", "Declaration"]),
    tests("KafkaTests", ["TestThreads", "Dataflow", "Kafka", "TestServers"]),
    tests(
      "IngestTests",
      [
        "TestThreads", "Events", "Features", "Dataflow", "Envelope", "Ingest", "Kafka", "CEvents",
        "TestServers",
        "TestNumbers", "CMallocCounter", "CSimdjson", "CXXHash", "Declaration",
      ]),
    tests(
      "FeatureStoreTests",
      ["TestThreads", "TestNumbers", "Events", "Features", "Dataflow", "FeatureStore", "TestServers"]),
    tests("RegistryTests", ["TestNumbers", "TestThreads", "Registry"]),
    tests(
      "ScorerTests",
      [
        "TestThreads", "TestNumbers", "CMallocCounter", "Features", "Dataflow", "Scorer", "XGBoost",
        "Registry",
      ],
      data: ["Models", "Postprocessing"]),
    tests(
      "SinkTests",
      [
        "TestThreads", "Events", "Dataflow", "Sink", "Kafka", "CEvents", "TestServers",
      ]),
    tests(
      "TablesTests",
      [
        "TestThreads", "TestPlaces", "Events", "Features", "Dataflow", "Declaration", "Tables", "Sink",
        "TestServers", "TestNumbers", grdb,
      ]),
    tests(
      "SyntheticTests",
      [
        "TestThreads", "Events", "Features", "Dataflow", "Declaration", "Synthetic", "CEvents",
      ]),
    tests(
      "PipelineTests",
      [
        "TestThreads",
        "TestNumbers", "CEvents", "Events", "Features", "Dataflow", "Pipeline",
        "FeatureStore",
      ]),
    tests("VerificationTests", ["Events", "Features", "Dataflow", "Tables", "Verification"]),
    tests("SimulationTests", ["TestThreads", "tally", "Simulation"]),
    tests(
      "ConfigurationTests",
      [
        "TestNumbers", "TestPlaces", "TestServers", "Configuration", "Features",
        "Dataflow", "Declaration", "Ingest", "Kafka",
      ]),
    tests(
      "OperationsTests",
      [
        "TestPlaces", "Events", "Features", "Dataflow", "FeatureStore", "Ingest", "Pipeline", "Configuration",
        "Operations", "Registry",
      ]),
    tests("EnvelopeTests", ["Envelope", "Events"]),
    tests("MetricsTests", ["Events", "Dataflow", "Metrics", "Monitor"]),
    tests("ServeTests", ["Events", "Dataflow", "Metrics", "Serve"]),
    tests(
      "ReportTests",
      ["TestThreads", "TestNumbers", "Events", "Features", "Dataflow", "Report", "XGBoost"], data: ["Golden"]),
    tests(
      "TrainingTests",
      [
        "TestThreads", "TestNumbers", "Events", "Features", "Dataflow", "Report", "Training", "XGBoost",
        "Registry",
        "Scorer",
      ]),
    tests(
      "IntegrationTests",
      [
        "TestPlaces", "tally", "Configuration", "Operations", "CEvents", "Events", "Features",
        "Dataflow",
        "Kafka", "XGBoost", "Declaration", "Metrics", "Ingest",
        "FeatureStore", "Synthetic", "Pipeline", "TestServers", "TestNumbers",
        grdb, logging,
      ]),
  ]
)

if isWithoutGuarantees {
  package.targets.append(
    .target(
      name: "Unpromised", dependencies: ["Dataflow", "FeatureStore"], path: "Benchmarks/Unpromised",
      swiftSettings: settings))
  package.targets.first { $0.name == "tally" }?.dependencies.append("Unpromised")
}
