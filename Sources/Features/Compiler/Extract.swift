/// What is made of one profile attribute when a profile comes, and kept in its place: a number or a flag.
enum ExtractKind: UInt8 {
  /// Elements of a list.
  case size
  /// Of a list's numbers.
  case minimum, maximum, mean
  /// Whether an element is one of some texts.
  case any
  /// Whether a text, or one of a list's texts, has one of some words.
  case hasWord
  /// Unicode scalars of a text.
  case length

  /// Whether it is true or false.
  var isFlag: Bool { self == .any || self == .hasWord }
}

/// An extract while features are being compiled.
struct ExtractDraft {
  var kind: ExtractKind
  /// Number of the attribute in the profile.
  var attribute: Int
  /// Number of the field in a list's elements; -1: no list, or the list itself.
  var field = -1
  /// UTF-8 of texts or words, ASCII letters small.
  var texts: [[UInt8]] = []
  /// Canonical.
  var text: String
}

/// An extract as row code sees it.
struct Extract {
  var kind: ExtractKind
  /// Slot of its value.
  var slot: Int32
  /// Of a mean where its numbers are counted, behind all slots.
  var countSlot: Int32
  /// Symbol of the field's name; `SymbolTable.unknown`: elements without a name.
  var field: Int32
}

/// All texts that extracts look for at one place, so that what stands there is looked up once.
struct TextFinder {
  /// Symbol of the field's name; `SymbolTable.unknown`: elements without a name, or no list.
  var field: Int32
  /// Whether they are words of a text, not whole texts.
  var findsWords: Bool
  /// Where they begin among the program's slots for texts: open addressing by `TextMatch.key`, a power of two.
  var slotsStart: Int32
  var slotsMask: Int32
}

/// A place for a text that is looked for.
struct TextSlot {
  /// `TextMatch.key` of the text.
  var key: UInt64 = 0
  /// Number of the text in the program's list; -1: nothing stands here.
  var text: Int32 = -1
  /// Slot of the value that is true then.
  var slot: Int32 = -1
}
