import Dataflow

/// What the lines of CSV files are, one after the other.
///
/// A field with a line break in it is not read: none of its lines is a record, not even one in the middle that looks like one.
struct CSVLines {
  /// What a line is.
  enum Line {
    /// It names the columns.
    case header
    case record
    /// A line of a field with line breaks.
    case partOfField
  }

  let columns: CSVColumns
  private let lineBytesMax: Int
  private var isOpen = false

  /// Reads the first line of each file, which must be the same one. nil: all are empty. Throws `PortError`.
  init?(_ paths: [String], lineBytesMax: Int) throws(PortError) {
    var found: CSVColumns?
    for path in paths {
      var file = try LineFile(paths: [path], lineBytesMax: lineBytesMax)
      try file.fill()
      guard let first = file.next(lineBytesMax: lineBytesMax) else { continue }
      let line = CSVColumns.trimmed(first)
      if let found {
        if line.elementsEqual(found.line) { continue }
        throw Self.error(path, "it names other columns than the first file's, or others in another order")
      }
      guard first.count <= lineBytesMax else { throw Self.error(path, "it is too long") }
      do {
        found = try CSVColumns(line)
      } catch {
        throw Self.error(path, error.text)
      }
    }
    guard let found else { return nil }
    columns = found
    self.lineBytesMax = lineBytesMax
  }

  private static func error(_ path: String, _ problem: String) -> PortError {
    PortError(
      .refused, "file \(path): the first line of CSV must name the columns", cause: problem, reason: .badFile)
  }

  /// Begins again at the first line.
  mutating func restart() { isOpen = false }

  /// What the next line is.
  mutating func next(_ line: UnsafeRawBufferPointer) -> Line {
    let wasOpen = isOpen
    let trimmed = CSVColumns.trimmed(line)
    if !wasOpen && trimmed.elementsEqual(columns.line) { return .header }
    // The rest of a line that was cut is not known.
    if line.count <= lineBytesMax { isOpen = CSVFields.leavesOpen(trimmed, wereOpen: wasOpen) }
    return wasOpen || isOpen ? .partOfField : .record
  }
}
