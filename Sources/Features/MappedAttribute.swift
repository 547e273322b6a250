/// An attribute that a mapping of records looks for.
public struct MappedAttribute: Equatable, Sendable {
  /// Its name.
  public let name: String
  /// A list's fields, an empty name for its elements themselves; nil: it is no list.
  public let fields: [String]?
}

extension FeatureSetDeclaration {
  /// All declared attributes, each name once: of the profile first, then of event types. A list has the fields that any of them declares.
  var mappedAttributes: [MappedAttribute] {
    var numbers: [[UInt8]: Int] = [:]
    var all: [MappedAttribute] = []
    for attribute in profile + events.flatMap(\.attributes) {
      var fields: [String]?
      if case .list(let declared) = attribute.type { fields = declared.map(\.name) }
      let name = Array(attribute.name.utf8)
      guard let number = numbers[name] else {
        numbers[name] = all.count
        all.append(MappedAttribute(name: attribute.name, fields: fields))
        continue
      }
      guard let fields else { continue }
      let known = all[number].fields ?? []
      all[number] = MappedAttribute(
        name: attribute.name, fields: known + fields.filter { !known.contains($0) })
    }
    return all
  }
}
