import CSimdjson
import Dataflow
import Events
import Features

/// A mapping's paths in simdjson's reader: which place of a record's values holds what.
struct MappedPlaces {
  /// An attribute's places in the order in which they count; a list's elements have a field for each declared one.
  struct AttributePlaces {
    var name: String
    /// Number of its name in the pipeline's symbols.
    var number: Int32
    var isList: Bool
    var use: TextUse
    var places: [Int]
  }

  /// What stands at an element's field.
  struct ElementField {
    /// Number of the field's name; `unknown`: the element itself.
    var number: Int32
    var use: TextUse
  }

  /// An object in which attributes are looked for, or through which the way to one leads.
  struct Container {
    var place: Int
    /// The path, for readers.
    var text: String
    /// Whether a text there may hold JSON.
    var readsText: Bool
    /// The path's bytes; the reader frees them.
    var name: UnsafeRawBufferPointer
  }

  private let mapping: OpaquePointer
  private(set) var attributes: [AttributePlaces] = []
  /// By the reader's field numbers.
  private(set) var fields: [ElementField] = []
  /// All objects on the way to attributes: something else in the place of one would be as if nothing stood there.
  private(set) var containers: [Container] = []
  /// Path of every place, for readers.
  private(set) var texts: [String] = []
  /// Path of every node, for readers.
  private(set) var nodeTexts: [Int32: String] = [0: "."]

  init(_ mapping: OpaquePointer, _ input: InputMapping, _ features: FeatureProgram) {
    self.mapping = mapping
    for path in input.parseText { tally_mapping_parse_text(mapping, node(path.keys)) }
    for path in input.from { addContainers(path.keys, input) }
    for attribute in input.paths { addContainers(attribute.path.keys.dropLast(), input) }
    let own = Dictionary(input.paths.map { ($0.name, $0.path) }) { first, _ in first }
    for attribute in features.mappedAttributes {
      let paths = own[attribute.name].map { [$0.keys] } ?? input.from.map { $0.keys + [attribute.name] }
      let number = features.symbols.intern(attribute.name)
      attributes.append(
        AttributePlaces(
          name: attribute.name, number: number, isList: attribute.fields != nil, use: attribute.use,
          places: paths.map { want($0, elements: attribute.fields, features.symbols) }))
    }
  }

  /// Adds the object at `keys`, and all that it lies in.
  private mutating func addContainers(_ keys: [String], _ input: InputMapping) {
    for count in 0..<keys.count {
      let path = Array(keys[...count])
      let place = want(path)
      guard !containers.contains(where: { $0.place == place }) else { continue }
      let bytes = Array(path.joined(separator: ".").utf8)
      let name = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      name.copyBytes(from: bytes)
      let readsText = input.parseText.contains { text in
        text.keys.count == path.count && zip(text.keys, path).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
      }
      containers.append(
        Container(
          place: place, text: path.joined(separator: "."), readsText: readsText,
          name: UnsafeRawBufferPointer(name)))
    }
  }

  /// The place of a path; of an id, a time, a kind.
  mutating func want(_ keys: [String]) -> Int { want(keys, elements: nil, nil) }

  private mutating func want(_ keys: [String], elements: [MappedField]?, _ symbols: SymbolTable?) -> Int {
    let node = node(keys)
    if let elements, let symbols {
      let element = tally_mapping_elements(mapping, node)
      for field in elements {
        let isWhole = field.name.isEmpty
        let number = Int(
          tally_mapping_want(mapping, isWhole ? element : child(of: element, field.name, below: keys)))
        let known = ElementField(
          number: isWhole ? SymbolTable.unknown : symbols.intern(field.name), use: field.use)
        // Two lists may stand at one path: what either needs is read.
        if number < fields.count {
          fields[number].use = TextUse(fields[number].use, field.use)
        } else {
          fields.append(known)
        }
      }
    }
    let place = Int(tally_mapping_want(mapping, node))
    while texts.count <= place { texts.append("") }
    texts[place] = keys.joined(separator: ".")
    return place
  }

  private mutating func node(_ keys: [String]) -> Int32 {
    var node: Int32 = 0
    for (depth, key) in keys.enumerated() { node = child(of: node, key, below: Array(keys[..<depth])) }
    return node
  }

  private mutating func child(of node: Int32, _ key: String, below keys: [String]) -> Int32 {
    var copy = key
    let child = copy.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { tally_mapping_child(mapping, node, $0.baseAddress, $0.count) }
    }
    nodeTexts[child] = (keys + [key]).joined(separator: ".")
    return child
  }
}
