import TestPlaces
import Foundation
import Testing

/// scripts/pin-images.sh, scripts/sbom.sh and scripts/package.sh, without any network.
@Suite struct SupplyChainTests {
  private struct Answer {
    var code: Int32
    var output: String
    var errors: String
  }

  /// Runs a script of the project; `path` is where it finds programs.
  private func script(_ name: String, _ arguments: [String], path: String = Places.path) throws -> Answer {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [Places.package + "/scripts/" + name] + arguments
    process.environment = ["PATH": path, "HOME": "/nonexistent"]
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Answer(
      code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
      errors: String(decoding: complained, as: UTF8.self))
  }

  /// A folder with compose.yaml and Dockerfile, and one for programs that stand for a registry's client.
  private func stage() throws -> (files: [String], programs: String) {
    let folder = try Places.newFolder("images")
    let files = ["compose.yaml", "Dockerfile"].map { folder + "/" + $0 }
    for file in files {
      let name = String(file.split(separator: "/").last ?? "")
      try Data(readText(Places.package + "/" + name).utf8).write(to: URL(fileURLWithPath: file))
    }
    let programs = try Places.newFolder("programs")
    return (files, programs)
  }

  /// Makes a program, by a shell: where this process had it open for writing, a child that another test starts at that moment would
  /// keep it open, and nobody could run it ("text file busy").
  private func program(_ name: String, in folder: String, _ text: String) throws {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$2\" && chmod 700 \"$2\"", "sh", text, folder + "/" + name,
    ]
    try shell.run()
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { throw TestFailure("\(name) cannot be made") }
  }

  private static let digest = String(repeating: "0123456789abcdef", count: 4)

  @Test func imagesAreTiedToDigests() async throws {
    try await onThread {
      let (files, programs) = try stage()
      let before = files.map { readText($0) }
      let found = try script("pin-images.sh", ["--check"] + files)
      #expect(found.code == 1, "\(found)")
      for image in ["apache/kafka:", "postgres:", "redis:", "prom/prometheus:", "swift:"] {
        #expect(found.output.contains(" \(image)"), "\(found.output)")
      }
      #expect(!found.output.contains("tally:latest"), "it is built, not fetched")

      try program("crane", in: programs, "echo sha256:\(Self.digest)")
      let path = programs + ":" + Places.path
      let tied = try script("pin-images.sh", files, path: path)
      #expect(tied.code == 0, "\(tied)")
      let after = files.map { readText($0) }
      #expect(
        after.map { $0.replacing("@sha256:" + Self.digest, with: "") } == before, "nothing else changes")
      #expect(after[1].contains("FROM swift:6.2-bookworm@sha256:\(Self.digest) AS build"))
      #expect(try script("pin-images.sh", ["--check"] + files).code == 0)

      // Once more: tags that have moved.
      try program("crane", in: programs, "echo sha256:\(String(Self.digest.reversed()))")
      #expect(try script("pin-images.sh", files, path: path).code == 0)
      #expect(
        files.map { readText($0) }
          == after.map { $0.replacing(Self.digest, with: String(Self.digest.reversed())) })
    }
  }

  @Test func withoutARegistryNothingIsChanged() async throws {
    try await onThread {
      let (files, programs) = try stage()
      let before = files.map { readText($0) }
      try program("crane", in: programs, "echo no such host >&2; exit 1")
      let unreachable = try script("pin-images.sh", files, path: programs + ":" + Places.path)
      #expect(unreachable.code == 1 && unreachable.errors.contains("no such host"), "\(unreachable)")
      try program("crane", in: programs, "echo '<html>'")
      let wrong = try script("pin-images.sh", files, path: programs + ":" + Places.path)
      #expect(wrong.code == 1 && wrong.errors.contains("no digest"), "\(wrong)")
      // No client at all: the tools that the script itself needs, and nothing else.
      let bare = try Places.newFolder("bare")
      for tool in ["awk", "sed", "sort", "cat", "rm", "head", "tail", "dirname", "timeout", "bash"] {
        let found = ["/usr/bin/", "/bin/"].map { $0 + tool }.first {
          FileManager.default.isExecutableFile(atPath: $0)
        }
        try FileManager.default.createSymbolicLink(
          atPath: bare + "/" + tool, withDestinationPath: try #require(found))
      }
      let none = try script("pin-images.sh", files, path: bare)
      #expect(none.code == 1 && none.errors.contains("crane, skopeo and docker"), "\(none)")
      #expect(files.map { readText($0) } == before)
    }
  }

  @Test func theBillNamesEveryDependency() async throws {
    try await onThread {
      let result = try script("sbom.sh", ["--program", Places.program])
      #expect(result.code == 0, "\(result.errors)")
      let bill = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      #expect(bill["bomFormat"] as? String == "CycloneDX" && bill["specVersion"] as? String == "1.5")
      let components = try #require(bill["components"] as? [[String: Any]])
      let names = Set(components.compactMap { ($0["name"] as? String)?.lowercased() })
      let references = components.compactMap { $0["bom-ref"] as? String }
      #expect(Set(references).count == components.count)
      let graph = try #require(bill["dependencies"] as? [[String: Any]])
      #expect((graph.first?["dependsOn"] as? [String]) == references)

      let manifest = readText(Places.package + "/Package.swift")
      let packages = manifest.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)", exact: "([^"]+)"/)
      #expect(packages.count == 5)
      for match in packages {
        #expect(
          components.contains {
            ($0["name"] as? String) == String(match.1) && ($0["version"] as? String) == String(match.2)
          }, "\(match.1)")
      }
      for match in readText(Places.package + "/Package.resolved").matches(of: /"identity" : "([^"]+)"/) {
        #expect(names.contains(String(match.1)), "\(match.1)")
      }
      for library in [
        "librdkafka1", "libhiredis0.14", "libxgboost0", "libsimdjson14", "libprotobuf-c1", "libpq5",
        "libsqlite3-0", "libssl3", "zlib1g", "libzstd1", "libswiftcore.so",
      ] { #expect(names.contains(library), "\(library)") }
      #expect(try script("sbom.sh", ["--program", Places.program]).output == result.output)
    }
  }

  /// The package itself takes a release build; what can be said without one.
  @Test func aPackageIsMadeOfAProgramThatNeedsNoSwift() async throws {
    try await onThread {
      let linked = try script("package.sh", ["--program", Places.program])
      #expect(linked.code == 1 && linked.errors.contains("build it with --static-swift-stdlib"), "\(linked)")
      let absent = try script("package.sh", ["--program", "/nonexistent/tally"])
      #expect(absent.code == 1 && absent.errors.contains("no program at /nonexistent/tally"), "\(absent)")
      for arguments in [["--weird"], ["--program"]] {
        #expect(try script("package.sh", arguments).code == 64)
      }
      #expect(try script("package.sh", ["--help"]).output.hasPrefix("Makes a Debian package"))
      let bare = try Places.newFolder("bare")
      for tool in ["dirname", "realpath"] {
        try FileManager.default.createSymbolicLink(
          atPath: bare + "/" + tool, withDestinationPath: "/usr/bin/" + tool)
      }
      let without = try script("package.sh", [], path: bare)
      #expect(
        without.code == 1 && without.errors.contains("apt-get install dpkg dpkg-dev binutils"), "\(without)")
    }
  }

  /// Every command of the reference has its page, whose text groff does not take for its own commands.
  @Test func everyCommandHasAManualPage() async throws {
    let folder = try Places.newFolder("man")
    try await onThread { try writePages(folder) }
    let commands = readText(Places.package + "/docs/reference/commands.md").matches(
      of: /\n## (tally[a-z -]*)\n/)
    let expected = Set(commands.map { String($0.1).replacing(" ", with: "-") + ".1" })
    #expect(expected.count > 20)
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder)) == expected)
    for page in expected {
      let text = readText("\(folder)/\(page)")
      #expect(text.hasPrefix(".TH \"TALLY") && text.contains(" \"1\" \"2026-01-01\" \"tally "), "\(page)")
      for match in text.matches(of: /(?m)^(?:\.(?!TH |SH |PP|TP|nf|fi)|').*/) {
        Issue.record("\(page): \(match.0)")
      }
    }
  }

  private func writePages(_ folder: String) throws {
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    writer.arguments = ["python3", Places.package + "/scripts/man.py", Places.program, folder]
    writer.environment = ["PATH": Places.path, "SOURCE_DATE_EPOCH": "1767225600"]
    try writer.run()
    writer.waitUntilExit()
    #expect(writer.terminationStatus == 0)
  }
}
