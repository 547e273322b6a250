// swift-tools-version: 6.2
import PackageDescription

/// What measures Tally from outside: the open-loop load generator. `run.py` drives everything.
let package = Package(
  name: "tally-benchmarks",
  products: [.executable(name: "openloop", targets: ["openloop"])],
  targets: [
    .executableTarget(
      name: "openloop", linkerSettings: [.linkedLibrary("rdkafka"), .linkedLibrary("pthread")])
  ])
