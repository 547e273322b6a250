import Events
import Features

/// Reads what determines features and state.
enum FeatureSetLoader {
  static func load(
    _ root: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> FeatureSetDeclaration {
    let profile = try attributes(root["profile"]?.section(), of: .profile)
    var events: [EventTypeDeclaration] = []
    for entry in try root["events"]?.section().entries ?? [] {
      try Names.checkIdentifier(entry.key, at: entry.position)
      events.append(
        EventTypeDeclaration(
          name: entry.key, attributes: try attributes(entry.value.section(), of: .event),
          position: entry.position))
    }
    var features: [FeatureDeclaration] = []
    for entry in try root["let"]?.section().entries ?? [] {
      features.append(try intermediate(entry, names: &names))
    }
    let declared = try root.required("features")
    for entry in try declared.section().entries { features.append(try feature(entry, names: &names)) }
    guard features.contains(where: \.isColumn) else {
      throw declared.wrong(allowed: "at least one feature, as name: expression")
    }
    return FeatureSetDeclaration(
      profile: profile, events: events, features: features,
      idleTTL: try root["idle_ttl"]?.duration(in: Span.hour...(40_000 * Span.day)),
      stateMax: try stateMax(root["state_max"]), control: try control(root["control"]),
      keepsState: try keepsState(root))
  }

  /// `state: none`: nothing is remembered, so that nothing that is about memory may be declared.
  private static func keepsState(_ root: YAMLSection) throws(DeclarationError) -> Bool {
    guard let value = root["state"], try value.choice(of: ["kept", "none"]) == "none" else { return true }
    for key in ["events", "idle_ttl", "state_max"] {
      guard let entry = root.entries.first(where: { sameBytes($0.key, key) }) else { continue }
      throw DeclarationError(
        entry.position, found: "\(key) with state: none",
        allowed: "neither events, idle_ttl nor state_max: every profile is scored by itself")
    }
    return false
  }

  private static func control(_ value: YAMLValue?) throws(DeclarationError) -> [ControlKeyDeclaration] {
    var keys: [ControlKeyDeclaration] = []
    for item in try value?.list() ?? [] {
      let section = try item.section()
      try section.allow(["key", "since_us"])
      let key = try section.required("key")
      let id = try key.string()
      let isDigit = { (byte: UInt8) in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
      guard id.utf8.count == 16, id.utf8.allSatisfy(isDigit) else {
        throw key.wrong(
          allowed: "a key's id: 16 digits of lower-case hexadecimal, the beginning of its SHA-256")
      }
      let since = try section["since_us"]?.int(in: Int(EventTimeBounds.start)...Int(EventTimeBounds.end))
      if let last = keys.last, since.map({ EventTime($0) <= last.since }) ?? true {
        throw DeclarationError(
          section["since_us"]?.position ?? item.position, found: since.map { "\($0)" } ?? "no since_us",
          allowed: "a later since_us than the key's before, in microseconds since 1970")
      }
      keys.append(ControlKeyDeclaration(id: id, since: EventTime(since ?? 0), position: key.position))
    }
    return keys
  }

  private static func stateMax(_ value: YAMLValue?) throws(DeclarationError) -> StateBound? {
    guard let value else { return nil }
    return StateBound(bytes: try value.byteCount(in: 1...(1 << 30)), position: value.position)
  }

  private static func intermediate(
    _ entry: YAMLEntry, names: inout NameRegister
  ) throws(DeclarationError) -> FeatureDeclaration {
    try names.take(entry.key, for: "intermediate", at: entry.position)
    let (text, position) = try entry.value.expression()
    return FeatureDeclaration(
      name: entry.key, expression: text, isColumn: false, labels: [], position: position)
  }

  private static func feature(
    _ entry: YAMLEntry, names: inout NameRegister
  ) throws(DeclarationError) -> FeatureDeclaration {
    try names.take(entry.key, for: "feature", at: entry.position)
    var labels: [String] = []
    let written: (text: String, position: SourcePosition)
    if entry.value.isSection {
      let section = try entry.value.section()
      try section.allow(["value", "labels"])
      written = try section.required("value").expression()
      if let list = section["labels"] { labels = try words(list) }
    } else {
      written = try entry.value.expression()
    }
    return FeatureDeclaration(
      name: entry.key, expression: written.text, isColumn: true, labels: labels, position: written.position)
  }

  /// At least one word, each once.
  static func words(_ value: YAMLValue) throws(DeclarationError) -> [String] {
    var words: [String] = []
    var seen: Set<[UInt8]> = []
    for item in try value.list() {
      let word = try item.string()
      guard seen.insert(Array(word.utf8)).inserted else {
        throw DeclarationError(item.position, found: "\(quoted(word)) twice", allowed: "each word once")
      }
      words.append(word)
    }
    guard !words.isEmpty else {
      throw DeclarationError(value.position, found: "an empty list", allowed: "at least one word")
    }
    return words
  }
}
