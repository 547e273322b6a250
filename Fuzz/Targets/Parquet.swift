import Glibc
import Parquet

/// The reader goes to and fro in a file: one without a name, whose bytes are each input's.
private let file: CInt = {
  var name = Array("/tmp/tally-fuzz-XXXXXX".utf8CString)
  let made = mkstemp(&name)
  require(made >= 0, "a file can be made")
  unlink(name)
  return made
}()

/// Parquet files: an error, or cells whose places and texts lie where they say.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzParquet(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start, count > 0 else { return 0 }
  guard ftruncate(file, 0) == 0, pwrite(file, start, count, 0) == count,
    let reader = try? ParquetReader(path: "/proc/self/fd/\(file)")
  else { return 0 }
  for (group, rows) in reader.groupRows.enumerated() {
    guard let all = try? reader.read(group: group, columns: Array(reader.names.indices)) else { continue }
    for cells in all {
      require(cells.places.count == rows, "a place for every row")
      var values = 0
      switch cells.values {
      case .wholes(let found): values = found.count
      case .numbers(let found): values = found.count
      case .texts(let found):
        values = found.count
        require(found.allSatisfy { $0.upperBound <= cells.bytes.count }, "texts lie in their bytes")
      }
      require(cells.places.allSatisfy { $0 < values }, "places are of values")
    }
  }
  return 0
}
