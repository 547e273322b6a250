public import Features

/// Keys from a record's top down to a value.
public struct RecordPath: Equatable, Sendable {
  /// Keys; none: the record itself.
  public var keys: [String]
  /// As it is written.
  public var text: String
  /// Where it is declared.
  public var position: SourcePosition

  package init(keys: [String], text: String, position: SourcePosition) {
    self.keys = keys
    self.text = text
    self.position = position
  }
}

/// Unit of a time in a record.
public enum TimeUnit: String, CaseIterable, Sendable {
  case nanoseconds = "ns"
  case microseconds = "us"
  case milliseconds = "ms"
  case seconds = "s"
  /// Text such as `2026-01-31T12:00:00Z`.
  case rfc3339
}

/// What an event is, where the record itself says nothing or its own words.
public enum MappedKind: Equatable, Sendable {
  case profileSnapshot
  case profileChange
  /// An engagement of this type.
  case engagement(String)
}

/// How a record of somebody else's shape becomes an event.
public struct InputMapping: Equatable, Sendable {
  /// How records are written.
  public enum Format: String, CaseIterable, Sendable {
    case json
    /// A line of a file whose first line names the columns.
    case csv
  }

  /// Where event ids come from.
  public enum EventID: Equatable, Sendable {
    case path(RecordPath)
    /// The record's own bytes: equal records are one event.
    case hashOfRecord
  }

  /// Where event times come from.
  public enum Time: Equatable, Sendable {
    case ingest
    case path(RecordPath, TimeUnit)
  }

  /// What tells the kind of an event.
  public enum Kind: Equatable, Sendable {
    case always(MappedKind)
    /// A text; what the words do not name is an engagement of that type.
    case path(RecordPath, words: [KindWord])
  }

  /// What a word of the record means.
  public struct KindWord: Equatable, Sendable {
    /// The word.
    public var word: String
    /// Its meaning.
    public var kind: MappedKind

    package init(word: String, kind: MappedKind) {
      self.word = word
      self.kind = kind
    }
  }

  /// An attribute with a path of its own.
  public struct AttributePath: Equatable, Sendable {
    /// The attribute's name.
    public var name: String
    /// Where it stands.
    public var path: RecordPath

    package init(name: String, path: RecordPath) {
      self.name = name
      self.path = path
    }
  }

  /// How records are written.
  public var format = Format.json
  /// Where the entity id stands.
  public var entityID: RecordPath
  /// Where the event id comes from.
  public var eventID: EventID
  /// Where the event time comes from.
  public var time: Time
  /// What tells the kind.
  public var kind: Kind
  /// Objects in which attributes are looked for by their names, the first that has one counts.
  public var from: [RecordPath]
  /// Of these, texts may hold the JSON of an object.
  public var parseText: [RecordPath]
  /// What becomes of a record with something else where an object is looked for: it is a dead letter, or its attributes there are missing.
  public var wrong: WrongValue
  /// Attributes that stand elsewhere, or under another name.
  public var paths: [AttributePath]
  /// Whether a record's key must be the entity id; else it may be anything.
  public var keyIsEntityID: Bool

  package init(
    format: Format = .json, entityID: RecordPath, eventID: EventID, time: Time, kind: Kind,
    from: [RecordPath],
    parseText: [RecordPath] = [], wrong: WrongValue = .letter, paths: [AttributePath] = [],
    keyIsEntityID: Bool = true
  ) {
    self.format = format
    self.entityID = entityID
    self.eventID = eventID
    self.time = time
    self.kind = kind
    self.from = from
    self.parseText = parseText
    self.wrong = wrong
    self.paths = paths
    self.keyIsEntityID = keyIsEntityID
  }
}

extension RecordPath {
  /// Its keys, so that no two paths have the same words.
  fileprivate var canonical: String {
    "[" + keys.map { "\($0.utf8.count):\($0)" }.joined(separator: " ") + "]"
  }
}

extension MappedKind {
  fileprivate var canonical: String {
    switch self {
    case .profileSnapshot: "snapshot"
    case .profileChange: "change"
    case .engagement(let type): "type \(type.utf8.count):\(type)"
    }
  }
}

extension InputMapping {
  /// All that it says, in words that mean the same for the same mapping: part of what definitions and states are told apart by.
  public var canonical: String {
    var words = ["format \(format.rawValue)", "entity \(entityID.canonical)"]
    switch eventID {
    case .path(let path): words.append("id \(path.canonical)")
    case .hashOfRecord: words.append("id hash")
    }
    switch time {
    case .ingest: words.append("time ingest")
    case .path(let path, let unit): words.append("time \(path.canonical) \(unit.rawValue)")
    }
    switch kind {
    case .always(let kind): words.append("kind \(kind.canonical)")
    case .path(let path, let meanings):
      words.append("kind \(path.canonical)")
      words += meanings.map { "\($0.word.utf8.count):\($0.word) \($0.kind.canonical)" }
    }
    words.append("from " + from.map(\.canonical).joined(separator: " "))
    words.append("texts " + parseText.map(\.canonical).joined(separator: " "))
    words.append("wrong \(wrong.rawValue)")
    words += paths.map { "\($0.name) \($0.path.canonical)" }.sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    words.append(keyIsEntityID ? "key is entity" : "key is anything")
    return words.joined(separator: "; ")
  }
}
