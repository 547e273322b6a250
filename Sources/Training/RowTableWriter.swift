package import Events
public import Features
internal import Foundation

/// Writes training rows to a CSV file while a collector makes them.
///
/// The rows go to a file beside it, which `finish` gives its name, so that readers see all rows or none. Memory does not
/// grow with the rows. One thread.
public final class RowTableWriter {
  /// Rows so far, those of entities erased later among them.
  public private(set) var rows = 0
  /// Path of the finished file.
  public let path: String
  private let columns: RowColumns
  private let temporary: String
  private let part: (TrainingRow) -> TrainingPart
  private var descriptor: CInt
  private var buffer: [UInt8] = []
  private var erased: [Hash128: Int] = [:]
  private var failure: RowTableError?
  private static let bufferBytes = 1 << 18

  /// Begins a file for the features of a program and these labels, classes of which are written as words. `part`: what a row is for.
  ///
  /// Throws where the file exists and `replaces` is false, where two columns would have one name, and where the file
  /// cannot be made.
  public init(
    path: String, replaces: Bool, program: FeatureProgram, labels: [String], of learnt: LearntLabels,
    part: @escaping (TrainingRow) -> TrainingPart
  ) throws(RowTableError) {
    columns = RowColumns(program, labels: labels, of: learnt)
    if let name = columns.repeated {
      throw RowTableError(
        path: path,
        text:
          "two columns would be called \(name): rename the feature or the label of this name in the pipeline's file"
      )
    }
    guard replaces || access(path, F_OK) != 0 else {
      throw RowTableError(path: path, text: "the file exists: --force replaces it")
    }
    self.path = path
    self.part = part
    temporary = "\(path).\(getpid()).tmp"
    // Rows are data of people: nobody else reads them.
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw RowTableError(
        path: temporary, text: "the file cannot be made: \(String(cString: strerror(errno)))")
    }
    for (index, name) in columns.names.enumerated() {
      if index > 0 { buffer.append(UInt8(ascii: ",")) }
      CSVText.append(name, to: &buffer)
    }
    buffer.append(0x0a)
  }

  deinit {
    // Not finished: nothing is left behind.
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
  }

  /// Adds a row: features by column, and labels by name. Labels that are not named are empty, others than the file's left out.
  ///
  /// A failure is kept for `check` and `finish`.
  package func append(
    _ row: TrainingRow, entity: String, features: UnsafePointer<Float>, labels: some Collection<Float>,
    named names: [String]
  ) {
    CSVText.append(entity, to: &buffer)
    comma()
    CSVText.appendTime(row.asOf, to: &buffer)
    for number in [row.asOf, row.labelTime, EventTime(row.order)] {
      comma()
      buffer.append(contentsOf: String(number).utf8)
    }
    comma()
    buffer.append(contentsOf: (row.part ?? part(row)).rawValue.utf8)
    for (column, words) in columns.words.enumerated() {
      comma()
      let value = features[column]
      CSVText.append(value, to: &buffer)
      guard !words.isEmpty else { continue }
      comma()
      if let code = Int(exactly: value), words.indices.contains(code) {
        CSVText.append(words[code], to: &buffer)
      }
    }
    for (label, classes) in zip(columns.labels, columns.classes) {
      comma()
      guard let index = names.firstIndex(of: label) else { continue }
      let value = labels[labels.index(labels.startIndex, offsetBy: index)]
      if classes.isEmpty {
        CSVText.append(value, to: &buffer)
      } else if let place = Int(exactly: value), classes.indices.contains(place) {
        CSVText.append(classes[place], to: &buffer)
      }
    }
    buffer.append(0x0a)
    rows += 1
    if buffer.count >= Self.bufferBytes { flush() }
  }

  private func comma() { buffer.append(UInt8(ascii: ",")) }

  /// The entity was erased: its rows so far do not come into the finished file.
  package func erase(_ entity: Hash128) { erased[entity] = rows }

  /// Throws what went wrong since the last check, such as a full disk.
  public func check() throws(RowTableError) { if let failure { throw failure } }

  /// Completes the file and gives it its name. Returns the number of its rows.
  public func finish() throws(RowTableError) -> Int {
    flush()
    try check()
    let kept = erased.isEmpty ? rows : try leaveOutErased()
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failed("written") }
    close(descriptor)
    descriptor = -1
    return kept
  }

  /// Copies the rows but those of erased entities.
  private func leaveOutErased() throws(RowTableError) -> Int {
    let all = try CSVRecords(path: temporary)
    // The reader keeps the file of all rows open, nobody else can.
    unlink(temporary)
    close(descriptor)
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failed("made") }
    guard try all.readRaw() else { throw failed("read") }
    buffer.append(contentsOf: all.raw)
    var index = 0
    var kept = 0
    while let cells = try all.next() {
      if index >= erased[Hash128(of: cells[0])] ?? 0 {
        buffer.append(contentsOf: all.raw)
        kept += 1
        if buffer.count >= Self.bufferBytes { flush() }
      }
      index += 1
    }
    flush()
    try check()
    return kept
  }

  private func flush() {
    var written = 0
    while failure == nil && written < buffer.count {
      let count = buffer.withUnsafeBytes { all in
        write(descriptor, all.baseAddress.map { $0 + written }, all.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { failure = failed("written") } else { written += count }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private func failed(_ verb: String) -> RowTableError {
    RowTableError(path: path, text: "the file cannot be \(verb): \(String(cString: strerror(errno)))")
  }
}
