import Configuration
package import Dataflow
import Ingest
package import Tables

/// A record as the log has it.
package struct LoggedRecord {
  package let key: [UInt8]?
  package let value: [UInt8]?
  package let contentType: ContentType

  package init(_ record: RawRecord) {
    key = record.key.baseAddress == nil ? nil : Array(record.key)
    value = record.value.baseAddress == nil ? nil : Array(record.value)
    contentType = record.contentType
  }
}

/// Reads single records of the topic by their addresses.
package struct LoggedRecords {
  package let access: any PipelineAccess

  package init(access: any PipelineAccess) {
    self.access = access
  }

  /// The records that the log still has. What lies between the addresses of a partition is read, too. Throws `PortError`.
  package func read(_ addresses: [LetterAddress]) throws -> [LetterAddress: LoggedRecord] {
    guard !addresses.isEmpty else { return [:] }
    let whole = try access.openLog(LogPart(), reader: "tally-look")
    let part: LogPart
    do {
      defer { whole.close() }
      part = try Self.part(addresses, of: whole)
    }
    guard part.partitions?.isEmpty == false else { return [:] }
    let wanted = Set(addresses)
    let source = try access.openLog(part, reader: "tally-look")
    defer { source.close() }
    var found: [LetterAddress: LoggedRecord] = [:]
    let stuck = try LogReading(source, from: part.from).readOn { batch in
      for record in batch.records {
        let address = LetterAddress(partition: record.partition, offset: record.offset)
        if wanted.contains(address) { found[address] = LoggedRecord(record) }
      }
      return true
    }
    // What lies behind it stays unknown, as what the log no longer has.
    if let stuck {
      access.report.warn(
        "partition \(stuck.partition): the log cannot be read on from offset \(stuck.from): \(stuck.why)")
    }
    return found
  }

  /// From the first to the last address of each partition, as far as the log reaches.
  private static func part(_ addresses: [LetterAddress], of log: any LogSource) throws -> LogPart {
    let count = try log.identity().partitionCount
    var part = LogPart(partitions: [])
    for (partition, some) in Dictionary(grouping: addresses, by: \.partition) where partition < count {
      let bounds = try log.bounds(partition)
      let offsets = some.map(\.offset).filter { bounds.low <= $0 && $0 < bounds.high }
      guard let first = offsets.min(), let last = offsets.max() else { continue }
      part.partitions?.insert(partition)
      part.from[partition] = first
      part.until[partition] = last + 1
    }
    return part
  }
}
