/// An attribute that a mapping of records looks for.
public struct MappedAttribute: Equatable, Sendable {
  /// Its name.
  public let name: String
  /// What is done with a text there.
  public let use: TextUse
  /// A list's fields; nil: it is no list.
  public let fields: [MappedField]?
}

/// A field of a list's elements; without a name: the elements themselves.
public struct MappedField: Equatable, Sendable {
  /// Its name.
  public let name: String
  /// What is done with a text there.
  public let use: TextUse
}

/// What features need of a text, so that a reader need not do more.
public struct TextUse: Equatable, Sendable {
  /// Whether it may be a word of a vocabulary.
  public var isWord = false
  /// Whether its bytes are looked at.
  public var isRead = false

  /// What an attribute of this declaration needs.
  init(_ declaration: AttributeDeclaration) {
    isWord = declaration.type.words != nil
    isRead = declaration.type == .text || declaration.readsText
  }

  /// What either needs.
  package init(_ one: TextUse, _ other: TextUse) {
    isWord = one.isWord || other.isWord
    isRead = one.isRead || other.isRead
  }
}

extension AttributeCatalog {
  /// All declared attributes, each name once: of the profile first, then of event types.
  var mappedAttributes: [MappedAttribute] {
    var all: [MappedAttribute] = []
    for declaration in groups[profile].attributes + groups.dropLast().flatMap(\.attributes) {
      let use = TextUse(declaration)
      guard let known = all.firstIndex(where: { $0.name.utf8.elementsEqual(declaration.name.utf8) }) else {
        all.append(MappedAttribute(name: declaration.name, use: use, fields: declaration.mappedFields))
        continue
      }
      all[known] = MappedAttribute(
        name: declaration.name, use: TextUse(all[known].use, use), fields: all[known].fields)
    }
    return all
  }
}

extension AttributeDeclaration {
  fileprivate var mappedFields: [MappedField]? {
    guard case .list(let fields) = type else { return nil }
    return fields.map { MappedField(name: $0.name, use: TextUse($0)) }
  }
}
