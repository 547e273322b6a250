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

  /// What an attribute of this declaration needs. `isSearched`: whether features look into its texts.
  init(_ declaration: AttributeDeclaration, isSearched: Bool) {
    isWord = declaration.type.words != nil
    isRead = isSearched || declaration.readsText
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
    for group in [groups[profile]] + groups.dropLast() {
      for (number, declaration) in group.attributes.enumerated() {
        let isSearched = group.used.contains(number) || group.searches(number, field: -1)
        let use = TextUse(declaration, isSearched: isSearched && declaration.type == .text)
        guard let known = all.firstIndex(where: { $0.name.utf8.elementsEqual(declaration.name.utf8) }) else {
          all.append(
            MappedAttribute(name: declaration.name, use: use, fields: group.fields(of: number, declaration)))
          continue
        }
        all[known] = MappedAttribute(
          name: declaration.name, use: TextUse(all[known].use, use), fields: all[known].fields)
      }
    }
    return all
  }
}

extension AttributeCatalog.Group {
  /// Whether something is made of the texts of an attribute, or of a field of its elements.
  fileprivate func searches(_ attribute: Int, field: Int) -> Bool {
    extracts.contains {
      $0.attribute == attribute && $0.field == field && [.any, .hasWord, .length].contains($0.kind)
    }
  }

  fileprivate func fields(of number: Int, _ declaration: AttributeDeclaration) -> [MappedField]? {
    guard case .list(let fields) = declaration.type else { return nil }
    return fields.enumerated().map { index, field in
      MappedField(
        name: field.name, use: TextUse(field, isSearched: searches(number, field: index)))
    }
  }
}
