import Dataflow
import Events
import Features
import Foundation
import Ingest
import Testing

/// A section of docs/operating/your-records.md: a pipeline, records, and what becomes of them.
struct ManualExample: Sendable, CustomTestStringConvertible {
  var title: String
  var pipeline = ""
  /// Language of the block with records.
  var format = ""
  var records = ""
  var outcomes = ""

  var testDescription: String { title }

  static let all: [ManualExample] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try? String(
      contentsOf: root.appending(path: "docs/operating/your-records.md"), encoding: .utf8)
    return (page ?? "").components(separatedBy: "\n## ").dropFirst().map(Self.init(section:))
  }()

  private init(section: String) {
    title = String(section.prefix { $0 != "\n" })
    for part in section.components(separatedBy: "\n```").enumerated() where part.offset % 2 == 1 {
      let language = String(part.element.prefix { $0 != "\n" })
      let block = String(part.element.dropFirst(language.count + 1))
      switch language {
      case "yaml": pipeline = block
      case "json", "csv": (format, records) = (language, block)
      case "text": outcomes = block
      default: continue
      }
    }
  }
}

@Suite("The manual's examples of input") struct ManualExampleTests {
  private static let ingestTimeMs: Int64 = 1_767_300_000_000

  @Test func areAllThere() {
    #expect(ManualExample.all.count == 5)
    #expect(
      ManualExample.all.allSatisfy { !$0.pipeline.isEmpty && !$0.records.isEmpty && !$0.outcomes.isEmpty })
  }

  @Test(arguments: ManualExample.all) func areTrue(_ example: ManualExample) throws {
    let bench = try MappedBench(example.pipeline)
    var outcomes: [String] = []
    try FileSourceTests.withFile(example.records) { path in
      let source = try FileSource(
        path: path, topic: "t",
        reading: FileReading(
          input: bench.declaration.input, needsKeys: bench.program.keepsState, ingestTimeMs: Self.ingestTimeMs
        ))
      let batch = RecordBatch()
      _ = try source.poll(into: batch, limit: 100, timeoutMs: 0, fillMs: 0)
      try source.assign([(partition: 0, offset: 0)])
      _ = try source.poll(into: batch, limit: 100, timeoutMs: 0, fillMs: 0)
      for record in batch.records { outcomes.append(try Self.outcome(of: record, bench)) }
    }
    #expect(outcomes == example.outcomes.split(separator: "\n").map(String.init))
  }

  private static func outcome(of record: RawRecord, _ bench: MappedBench) throws -> String {
    if let reason = bench.bench.decoder.decode(record, into: bench.bench.batch) {
      return reason.rawValue + (bench.detail.isEmpty ? "" : ": " + bench.detail)
    }
    let event = try bench.bench.last()
    let milliseconds = "\(1000 + event.timeMicros / 1000 % 1000)".dropFirst()
    let time =
      Date(timeIntervalSince1970: Double(event.timeMicros / 1_000_000)).formatted(.iso8601).dropLast()
      + ".\(milliseconds)Z"
    let kind =
      switch event.kind {
      case .profileSnapshot: "profile"
      case .profileChange: "profile change"
      default: event.type
      }
    let isHash = bench.declaration.input?.eventID == .hashOfRecord
    let words = [
      event.entityID, isHash ? "HASH" : event.eventID,
      bench.declaration.input?.time == .ingest ? "INGEST" : String(time), kind,
    ]
    return (words + bench.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(
      separator: " ")
  }
}
