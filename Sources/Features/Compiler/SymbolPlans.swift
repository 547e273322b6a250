import Events

/// Interns every name and lays out how declared attributes are checked and read.
struct SymbolPlans {
  var plans: [AttributePlan] = []
  var codes: [Int32] = []
  var groupOfSymbol: [Int32]
  var planOfSymbol: [Int32]
  var symbolCount: Int

  var extracts: [Extract] = []
  var textStarts: [Int32] = [0]
  var textBytes: [UInt8] = []
  var textSlots: [TextSlot] = []
  var finders: [TextFinder] = []
  /// Means among the profile's extracts.
  var means: Int32 = 0
  /// Vocabularies that have their place among the codes.
  private var known: [[Int32]: (first: Int32, start: Int32, count: Int32)] = [:]
  private let symbols: SymbolTable

  init(_ catalog: AttributeCatalog, _ symbols: SymbolTable) {
    self.symbols = symbols
    // All names first, so that the tables below have their size.
    let names = catalog.groups.map { group in group.attributes.map { symbols.intern($0.name) } }
    let events = catalog.eventNames.map { symbols.intern($0) }
    for group in catalog.groups { for attribute in group.attributes { Self.intern(attribute, symbols) } }
    symbolCount = symbols.names.count
    groupOfSymbol = Array(repeating: -1, count: symbolCount)
    planOfSymbol = Array(repeating: -1, count: symbolCount * catalog.groups.count)
    for (group, symbol) in events.enumerated() { groupOfSymbol[Int(symbol)] = Int32(group) }
    for (number, group) in catalog.groups.enumerated() {
      for (index, attribute) in group.attributes.enumerated() {
        var plan = plan(attribute, isOfEvent: number != catalog.profile)
        if let slot = group.used.firstIndex(of: index) { plan.slot = Int32(slot) }
        addExtracts(of: index, group, attribute, to: &plan)
        planOfSymbol[number * symbolCount + Int(names[number][index])] = Int32(plans.count)
        plans.append(plan)
      }
    }
  }

  /// Interns a vocabulary's words, and the names and words of a list's fields.
  private static func intern(_ attribute: AttributeDeclaration, _ symbols: SymbolTable) {
    for word in attribute.type.words ?? [] { _ = symbols.intern(word) }
    guard case .list(let fields) = attribute.type else { return }
    for field in fields {
      if !field.name.isEmpty { _ = symbols.intern(field.name) }
      intern(field, symbols)
    }
  }

  /// How an attribute is checked and read; a list's fields take their places among the plans.
  private mutating func plan(_ attribute: AttributeDeclaration, isOfEvent: Bool) -> AttributePlan {
    var plan = Self.plan(attribute.type)
    plan.wrong = attribute.wrong
    plan.readsText = attribute.readsText
    if !attribute.name.isEmpty { plan.symbol = symbols.intern(attribute.name) }
    if plan.kind == .number && isOfEvent {
      plan.scale = attribute.type.scale
      plan.isExact = attribute.isExact
    }
    if let words = attribute.type.words {
      let vocabulary = words.map { symbols.intern($0) }
      let place = known[vocabulary] ?? place(vocabulary)
      known[vocabulary] = place
      (plan.firstSymbol, plan.codes, plan.symbolCount) = place
      plan.other = Int32(vocabulary.count)
    }
    if case .list(let fields) = attribute.type {
      let plansOfFields = fields.map { self.plan($0, isOfEvent: false) }
      plan.fieldsStart = Int32(plans.count)
      plans += plansOfFields
      plan.fieldsEnd = Int32(plans.count)
      symbols.noteList(plan.symbol)
    }
    return plan
  }

  private mutating func addExtracts(
    of attribute: Int, _ group: AttributeCatalog.Group, _ declaration: AttributeDeclaration,
    to plan: inout AttributePlan
  ) {
    plan.extractsStart = Int32(extracts.count)
    plan.findersStart = Int32(finders.count)
    var sought: [Place: [(text: [UInt8], slot: Int32)]] = [:]
    for (index, draft) in group.extracts.enumerated() where draft.attribute == attribute {
      let slot = Int32(group.used.firstIndex(of: group.attributes.count + index) ?? -1)
      var field = SymbolTable.unknown
      if case .list(let fields) = declaration.type, draft.field >= 0, !fields[draft.field].name.isEmpty {
        field = symbols.intern(fields[draft.field].name)
      }
      let countSlot = Int32(group.used.count) + means
      if draft.kind == .mean { means += 1 }
      extracts.append(Extract(kind: draft.kind, slot: slot, countSlot: countSlot, field: field))
      guard draft.kind.isFlag else { continue }
      let place = Place(field: field, findsWords: draft.kind == .hasWord)
      sought[place, default: []] += draft.texts.map { ($0, slot) }
    }
    for (place, texts) in sought.sorted(by: { $0.key < $1.key }) { finders.append(finder(place, texts)) }
    plan.extractsEnd = Int32(extracts.count)
    plan.findersEnd = Int32(finders.count)
  }

  /// Where texts are looked for.
  private struct Place: Hashable, Comparable {
    var field: Int32
    var findsWords: Bool

    static func < (a: Place, b: Place) -> Bool {
      a.field == b.field ? !a.findsWords && b.findsWords : a.field < b.field
    }
  }

  /// Gives texts their places, at most half of a table.
  private mutating func finder(_ place: Place, _ texts: [(text: [UInt8], slot: Int32)]) -> TextFinder {
    let start = textSlots.count
    var capacity = 2
    while capacity < 2 * texts.count { capacity *= 2 }
    textSlots += Array(repeating: TextSlot(), count: capacity)
    for (text, slot) in texts {
      let key = text.withUnsafeBytes { TextMatch.key($0) }
      var index = Int(truncatingIfNeeded: key) & (capacity - 1)
      while textSlots[start + index].text >= 0 { index = (index + 1) & (capacity - 1) }
      textSlots[start + index] = TextSlot(key: key, text: Int32(textStarts.count - 1), slot: slot)
      textBytes += text
      textStarts.append(Int32(textBytes.count))
    }
    return TextFinder(
      field: place.field, findsWords: place.findsWords, slotsStart: Int32(start),
      slotsMask: Int32(capacity - 1))
  }

  private mutating func place(_ vocabulary: [Int32]) -> (first: Int32, start: Int32, count: Int32) {
    let first = vocabulary.min() ?? 0
    let last = vocabulary.max() ?? 0
    let start = codes.count
    codes += Array(repeating: Int32(vocabulary.count), count: Int(last - first) + 1)
    for (code, symbol) in vocabulary.enumerated() { codes[start + Int(symbol - first)] = Int32(code) }
    return (first, Int32(start), last - first + 1)
  }

  private static func plan(_ type: AttributeType) -> AttributePlan {
    switch type {
    case .number(_, let minimum, let maximum):
      AttributePlan(kind: .number, minimum: minimum, maximum: maximum)
    case .category: AttributePlan(kind: .category, minimum: 0, maximum: 0)
    case .rank: AttributePlan(kind: .rank, minimum: 0, maximum: 0)
    case .text: AttributePlan(kind: .text, minimum: 0, maximum: 0)
    case .flag: AttributePlan(kind: .flag, minimum: 0, maximum: 0)
    case .list: AttributePlan(kind: .list, minimum: 0, maximum: 0)
    }
  }
}
