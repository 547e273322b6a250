import Events
import Features

private nonisolated(unsafe) let program: FeatureProgram? = try? FeatureProgram(
  declaration(everySeries))
/// Shared by all inputs: an input's own would take longer than reading it.
private nonisolated(unsafe) let scratch: FeatureScratch? = program.map { FeatureScratch($0) }

/// Stored states: what is accepted gives the same row after it was stored again, in bytes that do not change any more and in
/// memory that is in proportion to the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzState(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let program, let scratch else {
    require(false, "the program does not compile")
    return 0
  }
  let state = EntityState(program)
  guard state.decode(UnsafeRawBufferPointer(start: start, count: count)) else { return 0 }
  require(state.memoryBytes <= 65_536 + 64 * count, "\(state.memoryBytes) bytes of \(count)")
  let before = row(program, state, scratch)
  let stored = encoded(state)
  require(stored.withUnsafeBytes { state.decode($0) }, "its own bytes are refused: \(stored)")
  require(encoded(state) == stored, "other bytes the second time: \(stored)")
  let after = row(program, state, scratch)
  require(before == after, "another row: \(stored)")
  return 0
}

private func encoded(_ state: EntityState) -> [UInt8] {
  var writer = WireWriter()
  state.encode(into: &writer)
  return writer.bytes
}

/// Bits of the feature row as of the watermark.
private func row(_ program: FeatureProgram, _ state: EntityState, _ scratch: FeatureScratch) -> [UInt32] {
  let count = program.columnNames.count
  let cells = UnsafeMutablePointer<Float>.allocate(capacity: count)
  defer { cells.deallocate() }
  program.read(state, asOf: state.watermark, into: cells, scratch: scratch)
  return (0..<count).map { cells[$0].bitPattern }
}
