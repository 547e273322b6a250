import CSimdjson

/// A mapping that is built and read as the oracle wants it.
final class MappingBench {
  static let bytesMax = 1 << 16

  let root = MappingNode(0, isElement: false)
  private let mapping: OpaquePointer
  private var wanted: [MappingNode] = []

  init?() {
    guard let made = tally_mapping_new(Self.bytesMax) else { return nil }
    mapping = made
  }

  deinit { tally_mapping_free(mapping) }

  func child(_ parent: MappingNode, _ key: String) -> MappingNode {
    let bytes = Array(key.utf8)
    if let known = parent.children.first(where: { $0.key == bytes }) { return known.node }
    let number = key.utf8.withContiguousStorageIfAvailable { key in
      key.withMemoryRebound(to: CChar.self) {
        tally_mapping_child(mapping, parent.number, $0.baseAddress, key.count)
      }
    }
    let node = MappingNode(number ?? -1, isElement: parent.isElement)
    parent.children.append((bytes, node))
    return node
  }

  /// The node of a path of keys.
  func node(_ path: String...) -> MappingNode { path.reduce(root) { child($0, $1) } }

  /// nil: there is none below elements.
  func elements(_ list: MappingNode) -> MappingNode? {
    let number = tally_mapping_elements(mapping, list.number)
    guard number >= 0 else { return nil }
    if list.elements == nil { list.elements = MappingNode(number, isElement: true) }
    return list.elements
  }

  func parseText(_ node: MappingNode) {
    tally_mapping_parse_text(mapping, node.number)
    node.hasText = true
  }

  @discardableResult func want(_ node: MappingNode) -> Int {
    let place = Int(tally_mapping_want(mapping, node.number))
    if node.place == nil && !node.isElement { wanted.append(node) }
    node.place = place
    return place
  }

  func want(_ path: String...) { want(path.reduce(root) { child($0, $1) }) }

  /// What the oracle says.
  func expected(_ record: [UInt8]) -> (MappingOutcome, [MappedValue]) {
    var oracle = MappingOracle(valuesCount: wanted.count)
    let outcome = oracle.read(record, root)
    return (outcome, outcome == .ok ? oracle.values : [])
  }

  /// What the reader says; nil: an outcome that the oracle does not know.
  func read(_ record: [UInt8]) -> (MappingOutcome?, [MappedValue]) {
    var mapped = tally_mapped()
    let outcome = record.withUnsafeBytes { tally_mapping_read(mapping, $0.baseAddress, $0.count, &mapped) }
    switch tally_json_outcome(UInt32(outcome)) {
    case TALLY_JSON_OK:
      let places = 0..<Int(mapped.values_count)
      return (.ok, places.map { value(mapped.values[$0], of: wanted[$0], mapped) })
    case TALLY_JSON_UNDECODABLE: return (.undecodable, [])
    case TALLY_JSON_TOO_DEEP: return (.tooDeep, [])
    case TALLY_JSON_INVALID_UTF8: return (.invalidUTF8, [])
    case TALLY_JSON_TWICE: return (.twice(mapped.problem_node), [])
    default: return (nil, [])
    }
  }

  func read(_ record: String) -> (MappingOutcome?, [MappedValue]) { read(Array(record.utf8)) }

  /// A list, with its run, or another value.
  private func value(_ value: tally_json_value, of node: MappingNode, _ mapped: tally_mapped) -> MappedValue {
    guard value.kind == TALLY_JSON_ARRAY.rawValue, node.elements != nil else { return Self.plain(value) }
    var run: [MappedElement] = []
    var at = Int(value.text_count)
    while at < Int(mapped.elements_count), mapped.elements[at].field != UInt32.max {
      let element = mapped.elements[at]
      run.append(
        MappedElement(field: Int(element.field), index: Int(element.index), value: Self.plain(element.value)))
      at += 1
    }
    return .list(count: Int(value.bits), run: run)
  }

  private static func plain(_ value: tally_json_value) -> MappedValue {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_NULL: return .null
    case TALLY_JSON_FLAG: return .flag(value.bits != 0)
    case TALLY_JSON_INTEGER: return .integer(Int64(bitPattern: value.bits))
    case TALLY_JSON_UNSIGNED: return .unsigned(value.bits)
    case TALLY_JSON_REAL: return .real(value.bits)
    case TALLY_JSON_TEXT:
      return .text(Array(UnsafeRawBufferPointer(start: value.text, count: Int(value.text_count))))
    case TALLY_JSON_ARRAY: return .array
    case TALLY_JSON_OBJECT: return .object
    case TALLY_JSON_BEYOND: return .beyond
    case TALLY_JSON_INFINITE: return .infinite
    case TALLY_JSON_GARBLED: return .garbled
    default: return .absent
    }
  }
}
