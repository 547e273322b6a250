public import Dataflow
import Events

/// Files of records in JSON, one a line, as a log with one partition: offsets are line numbers from 0, over all
/// files. They may be packed by gzip or zstd.
///
/// A line is `KEY<tab>JSON`, or JSON alone: then its entity id serves as the key. Where records are CSV, the first line names the
/// columns and has no offset, here and where it stands again; a line is read as the JSON of its fields, and one that cannot be is a record of unknown content type. An empty line is a record
/// without key and value. A line of more than `valueBytesMax` is one record that is too large. Records have the
/// ingest time that is given, if any. The file is read as long as it was when it was opened, and then is `.finished`. One thread.
public final class FileSource: RecordSource {
  /// Topic name, as written into scores.
  public let topic: String
  private let paths: [String]
  private let lineBytesMax: Int
  private let latestTime: EventTime
  private let keyReader: JSONReader
  private let mappedKey: MappedKey?
  private let reading: FileReading
  /// nil: no CSV, or nothing in it.
  private var csv: CSVLines?
  /// Lines of CSV as JSON, and which record has which of it.
  private var json: [UInt8] = []
  private var jsonBytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var jsonPlaces: [(record: Int, bytes: Range<Int>)] = []
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
    path: String, topic: String, limits: DecoderLimits = DecoderLimits(), reading: FileReading = FileReading()
  ) throws(PortError) { try self.init(paths: [path], topic: topic, limits: limits, reading: reading) }

  /// Opens files, to be read in this order. `topic` names them in scores. Throws `PortError`.
  public init(
    paths: [String], topic: String, limits: DecoderLimits = DecoderLimits(),
    reading: FileReading = FileReading()
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
    self.reading = reading
    mappedKey =
      reading.needsKeys ? reading.input.flatMap { MappedKey($0, bytesMax: limits.valueBytesMax) } : nil
    file = try LineFile(paths: paths, lineBytesMax: lineBytesMax)
    if reading.input?.format == .csv { csv = try CSVLines(paths, lineBytesMax: lineBytesMax) }
    keyCapacity = 1
    keys = .allocate(byteCount: DecoderLimits.idBytesMax, alignment: 1)
  }

  /// The files, for error texts.
  private var name: String {
    paths.count == 1 ? paths[0] : "\(paths.first ?? "") and \(paths.count - 1) more"
  }

  deinit {
    keys.deallocate()
    jsonBytes.deallocate()
  }

  /// Identity of the log: a hash of the first line, so that a file that grew is still the same (of CSV with the first record: many files have
  /// the same columns); with the latest time and the given ingest time, which decide what of it is an event.
  public func identity() throws -> LogIdentity {
    var other = try LineFile(paths: paths, lineBytesMax: lineBytesMax, lengths: file.lengths)
    try other.fill()
    var first = other.next(lineBytesMax: lineBytesMax).map { Hash128(of: $0).hex }
    var lines = csv
    lines?.restart()
    while lines != nil, let line = other.next(lineBytesMax: lineBytesMax) {
      guard lines?.next(line) != .header else { continue }
      first = (first ?? "") + Hash128(of: line).hex
      break
    }
    let bound =
      (latestTime == .max ? "" : "-latest-\(latestTime)")
      + (reading.ingestTimeMs < 0 ? "" : "-at-\(reading.ingestTimeMs)")
    return LogIdentity(
      clusterID: "file-" + (first ?? "empty") + bound, partitionCount: 1)
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
    json.removeAll(keepingCapacity: true)
    jsonPlaces.removeAll(keepingCapacity: true)
    defer { placeJSON(batch) }
    while batch.records.count < limit {
      if let line = file.next(lineBytesMax: lineBytesMax) {
        let kind = csv?.next(line)
        if kind == .header { continue }
        batch.records.append(record(line, kind, number: batch.records.count))
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
    var lines = csv
    lines?.restart()
    while !other.isAtEnd {
      try other.fill()
      while let line = other.next(lineBytesMax: lineBytesMax) {
        count += lines?.next(line) == .header ? 0 : 1
      }
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
    csv?.restart()
    while nextOffset < start.offset, !file.isAtEnd {
      try file.fill()
      while nextOffset < start.offset, let line = file.next(lineBytesMax: lineBytesMax) {
        nextOffset += csv?.next(line) == .header ? 0 : 1
      }
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

  // MARK: Lines

  private func record(
    _ line: UnsafeRawBufferPointer, _ kind: CSVLines.Line?, number: Int
  ) -> RawRecord {
    var value = CSVColumns.trimmed(line)
    var key = EventDraft.nothing
    var type = ContentType.json
    if let csv {
      let start = json.count
      if kind == .record, line.count <= lineBytesMax, csv.columns.append(value, to: &json) {
        jsonPlaces.append((number, start..<json.count))
        if mappedKey != nil {
          key = json.withUnsafeBytes { self.key(of: UnsafeRawBufferPointer(rebasing: $0[start...]), number) }
        }
      } else {
        type = .unknown
      }
    } else if let tab = Self.tab(in: value), line.count <= lineBytesMax {
      key = UnsafeRawBufferPointer(rebasing: value[..<tab])
      value = UnsafeRawBufferPointer(rebasing: value[(tab + 1)...])
    } else {
      key = self.key(of: value, number)
    }
    if value.isEmpty { value = EventDraft.nothing }
    return RawRecord(
      partition: 0, offset: nextOffset, ingestTimeMs: reading.ingestTimeMs, key: key, value: value,
      contentType: type, isOfFile: true)
  }

  /// The entity id that a value names, kept for the batch.
  private func key(of value: UnsafeRawBufferPointer, _ number: Int) -> UnsafeRawBufferPointer {
    if let mappedKey { return mappedKey.withID(of: value) { keep($0, number) } }
    return reading.input == nil ? keep(keyReader.entityID(of: value), number) : EventDraft.nothing
  }

  private func keep(_ id: UnsafeRawBufferPointer?, _ number: Int) -> UnsafeRawBufferPointer {
    guard let id, id.count <= DecoderLimits.idBytesMax else { return EventDraft.nothing }
    let place = UnsafeMutableRawBufferPointer(
      start: keys + number * DecoderLimits.idBytesMax, count: id.count)
    place.copyMemory(from: id)
    return UnsafeRawBufferPointer(place)
  }

  /// Gives records of CSV their values, now that these no longer move.
  private func placeJSON(_ batch: RecordBatch) {
    guard !jsonPlaces.isEmpty else { return }
    if jsonBytes.count < json.count {
      jsonBytes.deallocate()
      jsonBytes = .allocate(byteCount: 2 * json.count, alignment: 16)
    }
    jsonBytes.copyBytes(from: json)
    for place in jsonPlaces {
      batch.records[place.record].value = UnsafeRawBufferPointer(rebasing: jsonBytes[place.bytes])
    }
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
