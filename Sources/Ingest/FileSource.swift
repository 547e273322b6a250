public import Dataflow
import Events

/// Files of events in their JSON form, one a line, as a log with one partition: offsets are line numbers from 0, over all
/// files. They may be packed by gzip or zstd.
///
/// A line is `KEY<tab>JSON`, or JSON alone: then its `entity_id` serves as the key. An empty line is a record
/// without key and value. A line of more than `valueBytesMax` is one record that is too large. Records have no ingest
/// time. The file is read as long as it was when it was opened, and then is `.finished`. One thread.
public final class FileSource: RecordSource {
  /// Topic name, as written into scores.
  public let topic: String
  private let paths: [String]
  private let lineBytesMax: Int
  private let latestTime: EventTime
  private let keyReader: JSONReader
  private var file: LineFile
  private var nextOffset: Int64 = 0
  private var firstOffset: Int64 = 0
  private var committedOffset: CommittedOffset?
  private var state = State.joining
  private var knownBounds: LogBounds?
  private var keys: UnsafeMutableRawPointer
  private var keyCapacity: Int

  private enum State { case joining, joined, assigned }

  /// Opens a file. `topic` names it in scores. Throws `PortError`.
  public convenience init(
    path: String, topic: String, limits: DecoderLimits = DecoderLimits()
  ) throws(PortError) { try self.init(paths: [path], topic: topic, limits: limits) }

  /// Opens files, to be read in this order. `topic` names them in scores. Throws `PortError`.
  public init(
    paths: [String], topic: String, limits: DecoderLimits = DecoderLimits()
  ) throws(PortError) {
    self.paths = paths
    self.topic = topic
    latestTime = limits.latestTime
    // A line may have a key and a tab before its value.
    lineBytesMax = limits.valueBytesMax + DecoderLimits.idBytesMax + 1
    guard let reader = JSONReader(limits) else {
      throw PortError(.misuse, "files: limits of \(limits.valueBytesMax) bytes cannot be had")
    }
    keyReader = reader
    file = try LineFile(paths: paths, lineBytesMax: lineBytesMax)
    keyCapacity = 1
    keys = .allocate(byteCount: DecoderLimits.idBytesMax, alignment: 1)
  }

  /// The files, for error texts.
  private var name: String {
    paths.count == 1 ? paths[0] : "\(paths.first ?? "") and \(paths.count - 1) more"
  }

  deinit { keys.deallocate() }

  /// Identity of the log: a hash of the first line, so that a file that grew is still the same; with the latest time, which
  /// decides what of it is an event.
  public func identity() throws -> LogIdentity {
    var other = try LineFile(paths: paths, lineBytesMax: lineBytesMax, lengths: file.lengths)
    try other.fill()
    let first = other.next(lineBytesMax: lineBytesMax)
    let bound = latestTime == .max ? "" : "-latest-\(latestTime)"
    return LogIdentity(
      clusterID: "file-" + (first.map { Hash128(of: $0).hex } ?? "empty") + bound, partitionCount: 1)
  }

  /// Empties `batch`, then fills it with up to `limit` lines; never waits.
  public func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    switch state {
    case .joining:
      state = .joined
      return .assigned([0])
    case .joined: return .records
    case .assigned: break
    }
    if limit > keyCapacity {
      keys.deallocate()
      keyCapacity = limit
      keys = .allocate(byteCount: keyCapacity * DecoderLimits.idBytesMax, alignment: 1)
    }
    while batch.records.count < limit {
      if let line = file.next(lineBytesMax: lineBytesMax) {
        batch.records.append(record(line, number: batch.records.count))
        nextOffset += 1
      } else if batch.records.isEmpty && !file.isAtEnd {
        try file.fill()
      } else {
        break
      }
    }
    return batch.records.isEmpty && file.isAtEnd ? .finished : .records
  }

  /// What this object has committed: a file has no group that remembers.
  public func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] {
    partitions.map { _ in committedOffset }
  }

  /// Makes the log begin at a line: states that are made from it know nothing before.
  public func begin(at line: Int64) {
    firstOffset = line
    knownBounds = nil
  }

  /// The first line and the number of lines.
  public func bounds(_ partition: Int32) throws -> LogBounds {
    if let knownBounds { return knownBounds }
    var other = try LineFile(paths: paths, lineBytesMax: lineBytesMax, lengths: file.lengths)
    var count: Int64 = 0
    while !other.isAtEnd {
      try other.fill()
      while other.next(lineBytesMax: lineBytesMax) != nil { count += 1 }
    }
    knownBounds = LogBounds(low: firstOffset, high: count)
    return LogBounds(low: firstOffset, high: count)
  }

  /// Starts reading at a line; answers `.assigned`.
  public func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    guard starts.count == 1, let start = starts.first, start.partition == 0 else {
      throw PortError(.misuse, "file \(name): it has one partition, 0")
    }
    file = try LineFile(paths: paths, lineBytesMax: lineBytesMax, lengths: file.lengths)
    nextOffset = 0
    while nextOffset < start.offset, !file.isAtEnd {
      try file.fill()
      while nextOffset < start.offset, file.next(lineBytesMax: lineBytesMax) != nil { nextOffset += 1 }
    }
    guard start.offset == nextOffset else {
      throw PortError(
        .refused, "file \(name): position outside the log", cause: "\(start.offset) of \(nextOffset) lines",
        reason: .logTruncated)
    }
    state = .assigned
  }

  /// Reads nothing more until the next `assign`.
  public func unassign() throws { state = .joined }

  /// Remembers the offset as long as this object lives.
  public func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome {
    if let last = offsets.last {
      committedOffset = CommittedOffset(last.offset, firstOffset: last.firstOffset)
    }
    return .written
  }

  /// Does nothing: there is no group.
  public func idle(timeoutMs: Int) throws -> Bool { false }

  /// Does nothing.
  public func resume() throws {}

  /// Does nothing: the file is closed with this object.
  public func close() {}

  private func record(_ line: UnsafeRawBufferPointer, number: Int) -> RawRecord {
    var value = JSONReader.withoutMark(line)
    var key = EventDraft.nothing
    if value.last == UInt8(ascii: "\r") { value = UnsafeRawBufferPointer(rebasing: value.dropLast()) }
    if let tab = Self.tab(in: value), line.count <= lineBytesMax {
      key = UnsafeRawBufferPointer(rebasing: value[..<tab])
      value = UnsafeRawBufferPointer(rebasing: value[(tab + 1)...])
    } else if let id = keyReader.entityID(of: value), id.count <= DecoderLimits.idBytesMax {
      let place = UnsafeMutableRawBufferPointer(
        start: keys + number * DecoderLimits.idBytesMax, count: id.count)
      place.copyMemory(from: id)
      key = UnsafeRawBufferPointer(place)
    }
    if value.isEmpty { value = EventDraft.nothing }
    return RawRecord(
      partition: 0, offset: nextOffset, ingestTimeMs: -1, key: key, value: value, contentType: .json,
      isOfFile: true)
  }

  /// The tab that ends a key: one before the first "{" and after something.
  private static func tab(in line: UnsafeRawBufferPointer) -> Int? {
    for index in 0..<line.count {
      if line[index] == UInt8(ascii: "{") { return nil }
      if line[index] == UInt8(ascii: "\t") { return index > 0 ? index : nil }
    }
    return nil
  }
}
