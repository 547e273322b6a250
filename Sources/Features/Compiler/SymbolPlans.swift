import Events

/// Interns every name and lays out how declared attributes are checked and read.
struct SymbolPlans {
  var plans: [AttributePlan] = []
  var codes: [Int32] = []
  var groupOfSymbol: [Int32]
  var planOfSymbol: [Int32]
  var symbolCount: Int

  init(_ catalog: AttributeCatalog, _ symbols: SymbolTable) {
    let names = catalog.groups.map { group in group.attributes.map { symbols.intern($0.name) } }
    let events = catalog.eventNames.map { symbols.intern($0) }
    let words = catalog.groups.map { group in
      group.attributes.map { attribute -> [Int32] in
        guard case .category(let words) = attribute.type else { return [] }
        return words.map { symbols.intern($0) }
      }
    }
    symbolCount = symbols.names.count
    groupOfSymbol = Array(repeating: -1, count: symbolCount)
    planOfSymbol = Array(repeating: -1, count: symbolCount * catalog.groups.count)
    for (group, symbol) in events.enumerated() { groupOfSymbol[Int(symbol)] = Int32(group) }
    var known: [[Int32]: (first: Int32, start: Int32, count: Int32)] = [:]
    for (number, group) in catalog.groups.enumerated() {
      for (index, attribute) in group.attributes.enumerated() {
        var plan = Self.plan(attribute.type)
        if plan.kind == .number && number != catalog.profile {
          plan.scale = attribute.type.scale
          plan.isExact = attribute.isExact
        }
        if let slot = group.used.firstIndex(of: index) { plan.slot = Int32(slot) }
        let vocabulary = words[number][index]
        if !vocabulary.isEmpty {
          let place = known[vocabulary] ?? place(vocabulary)
          known[vocabulary] = place
          (plan.firstSymbol, plan.codes, plan.symbolCount) = place
          plan.other = Int32(vocabulary.count)
        }
        planOfSymbol[number * symbolCount + Int(names[number][index])] = Int32(plans.count)
        plans.append(plan)
      }
    }
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
    case .text: AttributePlan(kind: .text, minimum: 0, maximum: 0)
    case .flag: AttributePlan(kind: .flag, minimum: 0, maximum: 0)
    }
  }
}
