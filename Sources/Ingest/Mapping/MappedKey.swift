import CSimdjson
import Dataflow
import Events

/// Finds the entity id in mapped records, for lines of files, which have no key. One thread.
final class MappedKey {
  private let parser: OpaquePointer
  private let place: Int
  private var mapped = tally_mapped()
  private var digits: [UInt8] = []

  /// nil: no memory.
  init?(_ input: InputMapping, bytesMax: Int) {
    guard let made = tally_mapping_new(bytesMax) else { return nil }
    parser = made
    for path in input.parseText { tally_mapping_parse_text(made, Self.node(path.keys, made)) }
    place = Int(tally_mapping_want(made, Self.node(input.entityID.keys, made)))
  }

  private static func node(_ keys: [String], _ mapping: OpaquePointer) -> Int32 {
    var node: Int32 = 0
    for key in keys {
      var copy = key
      node = copy.withUTF8 { utf8 in
        utf8.withMemoryRebound(to: CChar.self) {
          tally_mapping_child(mapping, node, $0.baseAddress, $0.count)
        }
      }
    }
    return node
  }

  deinit { tally_mapping_free(parser) }

  /// Calls `body` with the id; nil: there is none that is a text or a whole number.
  func withID<Result>(of value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result
  {
    let value = JSONReader.withoutMark(value)
    guard let base = value.baseAddress,
      tally_mapping_read(parser, base, value.count, &mapped) == Int32(TALLY_JSON_OK.rawValue)
    else { return body(nil) }
    let found = mapped.values[place]
    switch tally_json_kind(found.kind) {
    case TALLY_JSON_TEXT:
      return body(UnsafeRawBufferPointer(start: found.text, count: Int(found.text_count)))
    case TALLY_JSON_INTEGER: digits = Array("\(Int64(bitPattern: found.bits))".utf8)
    case TALLY_JSON_UNSIGNED: digits = Array("\(found.bits)".utf8)
    case TALLY_JSON_REAL:
      let real = Double(bitPattern: found.bits)
      guard abs(real) <= 0x1p53, let whole = Int64(exactly: real) else { return body(nil) }
      digits = Array("\(whole)".utf8)
    default: return body(nil)
    }
    return digits.withUnsafeBytes { body($0) }
  }
}
