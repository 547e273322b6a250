import Features
import Scorer

/// What a model file says is made of margins: the first byte tells how many margins a row has (1 to 8), the rest is the JSON.
///
/// An error, or a postprocessing whose canonical text reads as the same one; and if it fits, outputs that are probabilities where the
/// link makes some, and ascend where they are sorted.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPostprocessing(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start, count > 0 else { return 0 }
  let width = Int(start[0] % 8) + 1
  let text = String(decoding: UnsafeBufferPointer(start: start + 1, count: count - 1), as: UTF8.self)
  guard let read = try? Postprocessing(json: text) else { return 0 }
  let again = try? Postprocessing(json: read.json)
  require(again == read && again?.json == read.json, "the canonical text")
  let columns = [ColumnDescription(name: "group"), ColumnDescription(name: "flag", kind: .flag)]
  guard let processor = try? Postprocessor(read, groups: width, outputs: width, columns: columns) else {
    return 0
  }
  let margins: [Float] = [0, -0.0, 1.5, -2, 1e-45, 3e38, -3e38, 0.25]
  let outputs = UnsafeMutablePointer<Float>.allocate(capacity: width)
  defer { outputs.deallocate() }
  for turn in 0..<8 {
    for output in 0..<width { outputs[output] = margins[(output + turn) % 8] }
    processor.apply(to: outputs, stride: width, rows: [Float(turn) - 2, 1], columns: 2, count: 1)
    for output in 0..<width {
      if processor.takesMargins { require(outputs[output] >= 0 && outputs[output] <= 1, "a probability") }
      if read.sorts && output > 0 { require(!(outputs[output - 1] > outputs[output]), "ascending") }
    }
  }
  return 0
}
