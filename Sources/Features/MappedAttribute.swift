/// An attribute that a mapping of records looks for.
public struct MappedAttribute: Equatable, Sendable {
  /// Its name.
  public let name: String
  /// A list's fields, an empty name for its elements themselves; nil: it is no list.
  public let fields: [String]?
}

extension FeatureSetDeclaration {
  /// All declared attributes, each name once: of the profile first, then of event types.
  var mappedAttributes: [MappedAttribute] {
    var seen: Set<[UInt8]> = []
    var all: [MappedAttribute] = []
    for attribute in profile + events.flatMap(\.attributes)
    where seen.insert(Array(attribute.name.utf8)).inserted {
      var fields: [String]?
      if case .list(let declared) = attribute.type { fields = declared.map(\.name) }
      all.append(MappedAttribute(name: attribute.name, fields: fields))
    }
    return all
  }
}
