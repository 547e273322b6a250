import Configuration
package import Dataflow
import Foundation
import Ingest

/// What a replay reads: the topic's partitions or files, as they stand at its start.
package struct ReplayLog {
  /// What is read of every partition.
  package let bounds: [LogBounds]
  /// For readers.
  package let name: String
  /// Where its entities live.
  package let homes: KeyHomes
  private let access: any PipelineAccess
  private let files: [String]
  private let part: LogPart

  /// Looks at the log. Throws `Failure` for offsets that it does not have.
  package init(
    _ access: any PipelineAccess, files: [String], from: String?, until: String?
  ) throws {
    self.access = access
    self.files = files
    if files.isEmpty {
      let count = try access.partitionCount()
      part = LogPart(
        from: try Self.offsets(from, "--from", count), until: try Self.offsets(until, "--until", count),
        leftOut: try access.leftOutByGroup(partitions: count))
      let source = try access.openLog(part, reader: "tally-replay")
      defer { source.close() }
      bounds = try (0..<count).map { try source.bounds($0) }
      name = "topic \(access.settings.topic)"
      homes = try access.homes(count, records: [])
    } else {
      let source = try access.openFiles(files)
      let whole = try source.bounds(0)
      let low = try Self.offsets(from, "--from", 1)[0] ?? 0
      guard (0...whole.high).contains(low) else {
        throw Failure("--from \(low): the files have \(whole.high) lines", reason: .usage)
      }
      part = LogPart(from: [0: low])
      bounds = [LogBounds(low: low, high: whole.high)]
      name = files.count == 1 ? files[0] : "\(files.count) files"
      homes = .onePartition
    }
  }

  /// Partitions of the log.
  package var partitions: Int { bounds.count }

  /// Records to read, in all partitions.
  package var total: Int64 { bounds.reduce(0) { $0 + $1.high - $1.low } }

  /// A worker's share, up to the ends that were seen at the start.
  package func source(worker: Int, of workers: Int) throws -> any RecordSource {
    guard files.isEmpty else {
      let source = try access.openFiles(files)
      source.begin(at: bounds[0].low)
      return source
    }
    var share = LogPart(partitions: [], leftOut: part.leftOut)
    for (index, bounds) in bounds.enumerated() where index % workers == worker {
      share.partitions?.insert(Int32(index))
      share.from[Int32(index)] = bounds.low
      share.until[Int32(index)] = bounds.high
    }
    return try access.openLog(share, reader: "tally-replay")
  }

  /// Reads `OFFSET` or `PARTITION:OFFSET,…`. Throws `Failure`.
  private static func offsets(_ text: String?, _ option: String, _ partitions: Int32) throws -> [Int32: Int64]
  {
    guard let text else { return [:] }
    if let all = Int64(text), all >= 0 {
      return Dictionary(uniqueKeysWithValues: (0..<partitions).map { ($0, all) })
    }
    var found: [Int32: Int64] = [:]
    for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = pair.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let partition = Int32(parts[0]), (0..<partitions).contains(partition),
        let offset = Int64(parts[1]), offset >= 0, found.updateValue(offset, forKey: partition) == nil
      else {
        throw Failure(
          "\(option) \(text): write OFFSET, or PARTITION:OFFSET,… with partitions 0 to \(partitions - 1)",
          reason: .usage)
      }
    }
    return found
  }
}
