import CSimdjson
import Events

extension FoundValue {
  /// A value of JSON as an attribute holds it. Row code.
  @inline(__always)
  init(_ value: tally_json_value) {
    let kind: AttributeKind =
      switch tally_json_kind(value.kind) {
      case TALLY_JSON_NULL: .null
      case TALLY_JSON_FLAG: .flag
      case TALLY_JSON_INTEGER: .integer
      case TALLY_JSON_REAL: .real
      case TALLY_JSON_TEXT: .text
      case TALLY_JSON_UNSIGNED, TALLY_JSON_BEYOND: .beyond
      case TALLY_JSON_INFINITE: .infinite
      case TALLY_JSON_GARBLED: .garbled
      default: .composite
      }
    self.init(
      kind: kind, bits: kind == .flag || kind == .integer || kind == .real ? value.bits : 0,
      text: kind == .text
        ? UnsafeRawBufferPointer(start: value.text, count: Int(value.text_count)) : EventDraft.nothing)
  }
}
