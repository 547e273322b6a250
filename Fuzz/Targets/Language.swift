import Features

/// Features' expressions, one a line: an error, or a program that reads an empty state.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLanguage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let features = text.split(separator: "\n").enumerated().map { ("f\($0)", String($1)) }
  guard !features.isEmpty, let program = try? FeatureProgram(declaration(features)) else { return 0 }
  require(program.columnNames.count == features.count, "columns of \(text)")
  let cells = UnsafeMutablePointer<Float>.allocate(capacity: features.count)
  defer { cells.deallocate() }
  program.read(EntityState(program), asOf: 1, into: cells, scratch: FeatureScratch(program))
  return 0
}
