import Configuration
import Dataflow
import Ingest
import Sink

/// A record as the log has it.
struct LoggedRecord {
  let key: [UInt8]?
  let value: [UInt8]?
  let contentType: ContentType

  init(_ record: RawRecord) {
    key = record.key.baseAddress == nil ? nil : Array(record.key)
    value = record.value.baseAddress == nil ? nil : Array(record.value)
    contentType = record.contentType
  }
}

/// Reads single records of the topic by their addresses.
struct LoggedRecords {
  let settings: Settings

  private static let recordsAtOnce = 512
  private static let pollTimeoutMs = 500

  /// The records that the log still has. What lies between the addresses of a partition is read, too. Throws `PortError`.
  func read(_ addresses: [LetterAddress]) throws -> [LetterAddress: LoggedRecord] {
    guard !addresses.isEmpty else { return [:] }
    let whole = try TopicLogSource(settings.sourceConfiguration(group: "tally-look"))
    let part: LogPart
    do {
      defer { whole.close() }
      part = try Self.part(addresses, of: whole)
    }
    guard part.partitions?.isEmpty == false else { return [:] }
    let wanted = Set(addresses)
    let source = try TopicLogSource(settings.sourceConfiguration(group: "tally-look"), part)
    defer { source.close() }
    var found: [LetterAddress: LoggedRecord] = [:]
    let batch = RecordBatch()
    while true {
      let outcome = try source.poll(
        into: batch, limit: Self.recordsAtOnce, timeoutMs: Self.pollTimeoutMs, fillMs: 0)
      switch outcome {
      case .assigned(let partitions):
        try source.assign(partitions.map { (partition: $0, offset: part.from[$0] ?? 0) })
      case .revoked, .finished: return found
      case .unreadable: continue
      // What lies behind it stays unknown, as what the log no longer has.
      case .stuck(let partition, let from, _, let why):
        complain("tally: partition \(partition): the log cannot be read on from offset \(from): \(why)")
        return found
      case .records:
        for record in batch.records {
          let address = LetterAddress(partition: record.partition, offset: record.offset)
          if wanted.contains(address) { found[address] = LoggedRecord(record) }
        }
      }
    }
  }

  /// From the first to the last address of each partition, as far as the log reaches.
  private static func part(_ addresses: [LetterAddress], of log: TopicLogSource) throws -> LogPart {
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
