import Dataflow
import Events

/// An attribute, flat: its places are those from `first` to `end` of the candidates. Also a field of a list's elements, which has none.
struct FlatAttribute {
  var number: Int32
  var isList: Bool
  var isWord: Bool
  var isRead: Bool
  /// Its plan in the profile of a pipeline without states; -1: it has none.
  var plan: Int32
  var first = 0
  var end = 0
}

/// What a word of a record means.
struct Meaning {
  let word: UnsafeRawBufferPointer
  let kind: EventKind
  /// Type of an engagement.
  let type: UnsafeRawBufferPointer

  init(_ word: String, _ meaning: MappedKind) {
    self.word = Self.copy(word)
    switch meaning {
    case .profileSnapshot: (kind, type) = (.profileSnapshot, Self.copy(""))
    case .profileChange: (kind, type) = (.profileChange, Self.copy(""))
    case .engagement(let name): (kind, type) = (.engagement, Self.copy(name))
    }
  }

  func deallocate() {
    word.deallocate()
    type.deallocate()
  }

  private static func copy(_ text: String) -> UnsafeRawBufferPointer {
    let bytes = Array(text.utf8)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(copy)
  }
}
