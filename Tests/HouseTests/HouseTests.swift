import Foundation
import Testing

@Suite struct HouseTests {
  /// Lines that no file needs more of.
  private let linesMax = 400
  /// Columns that no line needs more of.
  private let columnsMax = 120

  @Test func everyImportGoesDownwards() throws {
    let files = try Project.swiftFiles(under: "Sources")
    #expect(files.count > 10)
    for file in files {
      for imported in SourceImports.modules(in: file.text) {
        let objection = House.objection(to: imported, by: Project.module(of: file.path))
        #expect(objection == nil, "\(file.path)")
      }
    }
  }

  @Test func everyImportIsDeclared() throws {
    let manifest = try Project.manifest()
    for file in try Project.swiftFiles(under: "Sources") {
      let module = Project.module(of: file.path)
      for imported in SourceImports.modules(in: file.text) where imported != module {
        guard House.floors[imported] != nil || House.importers[imported] != nil else { continue }
        let isDeclared = manifest.dependencies[module]?.contains(House.products[imported] ?? imported) == true
        #expect(
          isDeclared, "\(file.path) imports \(imported), which Package.swift does not give to \(module)")
      }
    }
  }

  /// A module that is not declared is there by chance: in a folder that was built before, or because another target needs it first.
  @Test func everyImportOfTestsIsDeclared() throws {
    let declared = try Project.manifest().testDependencies
    #expect(declared.count > 10)
    for file in try Project.swiftFiles(under: "Tests") {
      let module = Project.module(of: file.path)
      // The house's own tests have samples of imports in texts.
      guard let own = declared[module], module != "HouseTests" else { continue }
      for imported in SourceImports.modules(in: file.text)
      where House.floors[imported] != nil && imported != module {
        #expect(
          own.contains(imported),
          "\(file.path) imports \(imported), which Package.swift does not give to \(module)")
      }
    }
  }

  @Test func everyDeclaredDependencyGoesDownwards() throws {
    let manifest = try Project.manifest()
    #expect(manifest.dependencies.count > 10)
    for (module, dependencies) in manifest.dependencies where House.floors[module] != 0 {
      for dependency in dependencies {
        #expect(House.objection(to: dependency, by: module) == nil)
      }
    }
    for (module, floor) in manifest.floors { #expect(House.floors[module] == floor, "floor of \(module)") }
  }

  /// What nobody imports misleads whoever reads the manifest.
  @Test func everyDeclaredDependencyIsImported() throws {
    var imports: [String: Set<String>] = [:]
    for file in try Project.swiftFiles(under: "Sources") {
      let products = SourceImports.modules(in: file.text).flatMap { [$0, House.products[$0] ?? $0] }
      imports[Project.module(of: file.path), default: []].formUnion(products)
    }
    let manifest = try Project.manifest()
    for (module, dependencies) in manifest.dependencies where House.floors[module] != 0 {
      let idle = dependencies.subtracting(imports[module] ?? [])
      #expect(idle.isEmpty, "\(module) does not import \(idle.sorted())")
    }
    let used = imports.values.reduce(into: Set<String>()) { $0.formUnion($1) }
    for module in manifest.dependencies.keys where module != "tally" && House.floors[module] != 0 {
      #expect(used.contains(module), "nobody imports \(module)")
    }
  }

  /// What is declared for other modules and named nowhere else is dead.
  @Test func everyDeclarationForOthersIsUsed() throws {
    let sources = try Project.swiftFiles(under: "Sources")
    let readers = try ["Benchmarks", "Fuzz"].flatMap { try Project.swiftFiles(under: $0) }
    let dead = DeadDeclarations.names(in: sources, readBy: readers)
      .subtracting(House.namedElsewhere)
    #expect(dead.isEmpty, "declared, and used by nobody: \(dead.sorted())")
  }

  /// The simulated neighbours and the model know no worker: what they are compared with must not be what they are made of.
  @Test func onlyTheWiringOfTheSimulationSeesTheWorker() throws {
    var importers = 0
    for file in try Project.swiftFiles(under: "Sources/Simulation")
    where SourceImports.modules(in: file.text).contains("Pipeline") {
      importers += 1
      #expect(file.path.contains("/Wiring/"), "\(file.path) imports Pipeline")
    }
    #expect(importers > 0)
  }

  /// What checks the steps from a record to a row has steps of its own.
  @Test func noOracleTakesTheStepsThatItChecks() throws {
    let oracles = try Project.swiftFiles(under: "Sources/Simulation").filter { $0.path.contains("/Check/") }
    let tests =
      try Project.swiftFiles(under: "Tests/FeaturesTests") + Project.swiftFiles(under: "Tests/PipelineTests")
    #expect(!oracles.isEmpty && !tests.isEmpty)
    for file in oracles + tests { #expect(!file.text.contains("EventPass"), "\(file.path)") }
  }

  @Test func foldersAndTargetsAreTheSame() throws {
    let targets = Set(try Project.manifest().dependencies.keys)
    #expect(Set(try Project.folders(in: "Sources")) == targets)
    #expect(targets.subtracting(House.floors.keys).isEmpty)
  }

  /// What a message sends people to is in the repository, and has the heading that it names.
  @Test func everyDocumentThatAMessageCitesIsThere() throws {
    var count = 0
    for file in try Project.swiftFiles(under: "Sources") {
      for literal in SourceLiterals.all(in: file.text) {
        // What Tally writes itself is no document of the repository.
        for path in SourceLiterals.documents(in: literal) where path != "card.md" {
          count += 1
          #expect(Project.has(path), "\(file.path) cites \(path)")
        }
        for (path, heading) in SourceLiterals.headings(in: literal) where Project.has(path) {
          #expect(
            try Project.headings(of: path).contains(heading), "\(file.path) cites \(path), \"\(heading)\"")
        }
      }
    }
    #expect(count > 3)
  }

  @Test func noFileIsLong() throws {
    for file in try Project.swiftFiles(under: "Sources") + Project.swiftFiles(under: "Tests") {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(lines <= linesMax, "\(file.path) has \(lines) lines")
    }
  }

  /// Swift's lines are the formatter's; those of the tree kernels are nobody's else.
  @Test func noLineOfTheKernelsIsLong() throws {
    let folder = Project.root.appending(path: "Sources/CForest")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") }
    #expect(names.count > 5)
    for name in names {
      let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        #expect(line.count <= columnsMax, "\(name):\(index + 1)")
      }
    }
  }
}

/// The checks must bite: each is fed what it must refuse.
@Suite struct HouseBitesTests {
  @Test(
    arguments: [
      ("GRDBSQLite", "Ingest"), ("Kafka", "Events"), ("Ingest", "FeatureStore"), ("FeatureStore", "Pipeline"),
      ("Features", "Events"),
      ("Dataflow", "Features"),
      ("Foundation", "Events"), ("Glibc", "Dataflow"), ("Dispatch", "Features"), ("CRdKafka", "Ingest"),
      ("CRdKafka", "tally"), ("CXGBoost", "Scorer"), ("CHiredis", "Pipeline"), ("CLibpq", "Synthetic"),
      ("CSimdjson", "Declaration"), ("CEvents", "Sink"), ("CEvents", "Ingest"), ("CEvents", "tally"),
      ("Yams", "Features"), ("Yams", "Pipeline"),
      ("Histogram", "Monitor"), ("GRDB", "Monitor"), ("Metrics", "Simulation"), ("Kafka", "Simulation"),
      ("Ingest", "Training"), ("Kafka", "Training"), ("Pipeline", "Monitor"), ("Sink", "Serve"),
      ("Pipeline", "Training"), ("Sink", "Verification"), ("Kafka", "Tables"), ("CLibpq", "Sink"),
      ("XGBoost", "Registry"), ("tally", "Pipeline"), ("Unheard", "tally"),
      ("Events", "Unheard"), ("Logging", "Pipeline"), ("Synchronization", "Events"),
    ])
  func forbiddenEdge(imported: String, module: String) {
    #expect(House.objection(to: imported, by: module) != nil)
  }

  @Test(
    arguments: [
      ("Events", "Features"), ("Features", "Dataflow"), ("Dataflow", "Kafka"), ("CXGBoost", "XGBoost"),
      ("Foundation", "Registry"), ("Kafka", "Ingest"), ("XGBoost", "Training"), ("CLapack", "Training"),
      ("Metrics", "Monitor"), ("Tables", "Verification"), ("Tables", "Sink"), ("Dataflow", "Pipeline"),
      ("Pipeline", "tally"), ("Yams", "Declaration"),
      ("Swift", "Events"), ("Dataflow", "Simulation"),
    ])
  func allowedEdge(imported: String, module: String) {
    #expect(House.objection(to: imported, by: module) == nil)
  }

  @Test func findsImportsHoweverTheyAreWritten() {
    let text = """
      // import Commented
      /* import Blocked
         import Blocked2 */
      public import Events
      @preconcurrency internal import Kafka; import Sink
        import struct Dataflow.PortError
      @_exported import Foundation
      #if canImport(Glibc)
        internal import Glibc
      #endif
      let words = "let us import Nothing"
      func f() { let important = 1 }
      let more = \"""
        import Literal
        \"""
      import XGBoost
      """
    let expected = ["Events", "Kafka", "Sink", "Dataflow", "Foundation", "Glibc", "XGBoost"]
    #expect(SourceImports.modules(in: text) == expected)
  }

  @Test func findsWhatLiteralsCite() {
    let text = #"""
      // "Comment.md"
      let a = "see missing.md, \"A part\""  // and "OTHER.md"
      let b = """
        run scripts/none.sh or docs/guide/start.html "now"
        """
      /* "Blocked.md" */
      let c = "https://example.com/docs/x.md and /etc/docs/y and a.md5", d = "\(b) in ADR.MD"
      """#
    let found = SourceLiterals.all(in: text).flatMap { SourceLiterals.documents(in: $0) }
    #expect(found == ["missing.md", "scripts/none.sh", "docs/guide/start.html", "ADR.MD"])
    let headings = SourceLiterals.all(in: text).flatMap { SourceLiterals.headings(in: $0) }
    #expect(headings.map(\.path) == ["missing.md"] && headings.map(\.heading) == ["A part"])
  }

  @Test func aForbiddenEdgeInAFileIsFound() {
    let file = "internal import Events\ninternal import CRdKafka\n"
    let objections = SourceImports.modules(in: file).compactMap { House.objection(to: $0, by: "Synthetic") }
    #expect(objections == ["Synthetic imports CRdKafka, which only Kafka may"])
  }

  @Test func aDeadDeclarationIsFound() {
    let one =
      "/// dead\npublic func dead() {}\npublic struct Alive { package let size: Int }\n  package static func lost() {}"
    let other = "let x = Alive(size: 1) // lost"
    #expect(
      DeadDeclarations.names(in: [("Sources/A/a.swift", one), ("Sources/B/b.swift", other)], readBy: [])
        == ["dead", "lost"])
    #expect(
      DeadDeclarations.names(
        in: [("Sources/A/a.swift", one)], readBy: [("Fuzz/f.swift", "dead(); Alive(size: lost())")])
        == [])
  }

  @Test func readsAManifest() {
    let manifest = Manifest(
      """
      let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
      .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka"),
      .target(name: "CEvents", linkerSettings: []),
      module("Events", floor: 1),
      module("Declaration", floor: 2, ["Events",
        "Features", yams]),
      .executableTarget(
        name: "tally",
        dependencies: ["Events", "Kafka"],
      """)
    #expect(
      manifest.dependencies == [
        "CRdKafka": [], "CEvents": [], "Events": [], "Declaration": ["Events", "Features", "Yams"],
        "tally": ["Events", "Kafka"],
      ])
    #expect(manifest.floors == ["Events": 1, "Declaration": 2])
  }
}
