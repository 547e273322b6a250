import Events

/// Lays out what the compiler collected: numbers the series, places components, makes the flat tables.
struct ProgramBuilder {
  let compiler: FeatureCompiler
  /// Drafts in the order of their numbers.
  let series: [SeriesDraft]
  /// Number of each draft.
  let numbers: [Int]
  private(set) var layouts: [SeriesLayout] = []
  private(set) var halfLives: [Double] = []

  init(_ compiler: FeatureCompiler) {
    self.compiler = compiler
    // Numbers follow canonical texts, so that the order of features does not change what the state means.
    let order = compiler.series.indices.sorted {
      let (a, b) = (compiler.series[$0].description, compiler.series[$1].description)
      return a.utf8.lexicographicallyPrecedes(b.utf8)
    }
    series = order.map { compiler.series[$0] }
    var numbers = Array(repeating: 0, count: order.count)
    for (number, draft) in order.enumerated() { numbers[draft] = number }
    self.numbers = numbers
    for draft in series { layouts.append(layout(draft)) }
  }

  /// Gives each series the entries at which it folds words; 0: never.
  mutating func fold(at entries: [Int]) {
    for (series, entries) in entries.enumerated() { layouts[series].foldsAt = entries }
  }

  private mutating func layout(_ draft: SeriesDraft) -> SeriesLayout {
    var result = SeriesLayout(hop: draft.key.hop.micros, reach: draft.reach, sub: draft.key.sub)
    result.halfLife = halfLives.count
    result.subBits = draft.key.sub.bits
    for (index, component) in draft.components.sorted().enumerated() {
      place(component, at: index + 1, in: &result)
    }
    result.stride = draft.components.count + 1
    let group = draft.key.group >= 0 ? compiler.catalog.groups[draft.key.group] : nil
    let type = draft.key.attribute >= 0 ? group?.attributes[draft.key.attribute].type : nil
    switch draft.key.sub {
    case .none: result.subEnd = 1
    case .code: result.subEnd = UInt64(type?.codes ?? 1)
    case .hour: result.subEnd = 24
    case .hash: result.subEnd = 1 << 44
    case .attribute: result.subEnd = UInt64(group?.numbersEnd ?? 0)
    }
    if case .category(let words) = type, draft.key.sub == .code { result.otherCode = UInt64(words.count) }
    result.magnitude = type?.magnitude ?? 1
    if type == .flag { result.valueEnd = 2 }
    if let codes = type?.codes { result.valueEnd = Int64(codes) }
    if draft.key.hop == .lifetime {
      switch draft.key.sub {
      case .none: result.entriesMax = 1
      case .hash: result.entriesMax = DistinctSketch.registers
      case .attribute: result.entriesMax = group?.used.count ?? 0
      case .code, .hour: result.entriesMax = Int(result.subEnd)
      }
    }
    return result
  }

  private mutating func place(_ component: Component, at offset: Int, in layout: inout SeriesLayout) {
    switch component.kind {
    case .count: layout.count = offset
    case .sum: layout.sum = offset
    case .minimum: layout.minimum = offset
    case .maximum: layout.maximum = offset
    case .firstTime: layout.firstTime = offset
    case .firstValue: layout.firstValue = offset
    case .lastTime: layout.lastTime = offset
    case .lastValue: layout.lastValue = offset
    case .rank: layout.rank = offset
    case .real: layout.real = offset
    case .decay:
      if layout.decayCount == 0 { layout.decay = offset }
      layout.decayCount += 1
      halfLives.append(Double(component.halfLife))
    }
  }

  /// Aggregates in reading order, and their windows.
  func aggregates() -> (reads: [AggregateRead], windows: [WindowReach]) {
    var windows: [WindowReach] = []
    var reads: [AggregateRead] = []
    for draft in compiler.aggregates {
      var window = -1
      if let reach = draft.window {
        window = windows.firstIndex(of: reach) ?? windows.count
        if window == windows.count { windows.append(reach) }
      }
      var read = AggregateRead(
        reading: draft.reading, series: Int32(numbers[draft.series]), window: Int32(window),
        target: draft.target)
      let components = compiler.series[draft.series].components.sorted()
      read.offset = (components.firstIndex(of: draft.component) ?? 0) + 1
      read.scale = draft.scale
      read.limit = draft.limit
      read.halfLife = draft.halfLife
      reads.append(read)
    }
    reads.sort { ($0.series, $0.window, $0.target) < ($1.series, $1.window, $1.target) }
    return (reads, windows)
  }

  /// Updates by group; the last group is that of undeclared event types.
  func updates() -> (updates: [SeriesUpdate], starts: [Int32], steps: [FilterStep]) {
    var steps: [FilterStep] = []
    var ranges: [(start: Int32, end: Int32)] = []
    for filter in compiler.filters {
      ranges.append((Int32(steps.count), Int32(steps.count + filter.steps.count)))
      steps += filter.steps
    }
    var updates: [SeriesUpdate] = []
    var starts: [Int32] = [0]
    let profile = compiler.catalog.profile
    for group in 0...profile {
      let mine = series.indices.filter {
        series[$0].key.group == -1 || (series[$0].key.group == group && group != profile)
      }
      for number in mine.sorted(by: { (series[$0].key.filter, $0) < (series[$1].key.filter, $1) }) {
        let key = series[number].key
        let range = key.filter >= 0 ? ranges[key.filter] : (start: 0, end: 0)
        var update = SeriesUpdate(
          series: Int32(number), filterStart: range.start, filterEnd: range.end, slot: -1, scale: 1)
        if key.attribute >= 0 {
          let declared = compiler.catalog.groups[key.group]
          update.slot = Int32(declared.used.firstIndex(of: key.attribute) ?? -1)
          update.scale = declared.attributes[key.attribute].type.scale
        }
        updates.append(update)
      }
      starts.append(Int32(updates.count))
    }
    return (updates, starts, steps)
  }

  /// A value for each profile attribute and each extract, in the order of the numbers by which states know them.
  private func byStoredNumber<Value>(_ value: (Int) -> Value) -> [Value] {
    let profile = compiler.catalog.groups[compiler.catalog.profile]
    let numbers = (0..<profile.numbersEnd).sorted { profile.stored($0) < profile.stored($1) }
    return numbers.map(value)
  }

  func tables(_ symbols: SymbolTable) -> ProgramTables {
    let catalog = compiler.catalog
    let plans = SymbolPlans(catalog, symbols)
    let (reads, windows) = aggregates()
    let (updates, starts, steps) = updates()
    let profile = catalog.groups[catalog.profile]
    let codesMax =
      reads.map { [.distinctCodes, .entropy, .mode].contains($0.reading) ? $0.limit : 0 }.max() ?? 0
    return ProgramTables(
      series: FlatTable(layouts), halfLives: FlatTable(halfLives), windows: FlatTable(windows),
      aggregates: FlatTable(reads), instructions: FlatTable(compiler.row.instructions),
      columns: FlatTable(compiler.features.filter(\.declaration.isColumn).map(\.value.register)),
      constantRegisters: FlatTable(compiler.row.constants.map(\.register)),
      constantValues: FlatTable(compiler.row.constants.map(\.value)), filterSteps: FlatTable(steps),
      updates: FlatTable(updates), updateStarts: FlatTable(starts),
      slotCounts: FlatTable(catalog.groups.map { Int32($0.used.count) }),
      groupOfSymbol: FlatTable(plans.groupOfSymbol), planOfSymbol: FlatTable(plans.planOfSymbol),
      plans: FlatTable(plans.plans), codes: FlatTable(plans.codes),
      profileNumbers: FlatTable(profile.used.map { UInt64(profile.stored($0)) }),
      profileRegisters: FlatTable(byStoredNumber { compiler.profileRegisters[$0] ?? -1 }),
      slotRegisters: FlatTable(profile.used.map { compiler.profileRegisters[$0] ?? -1 }),
      profileCodes: FlatTable(byStoredNumber { Int32(profile.codes(of: $0)) }),
      extracts: FlatTable(plans.extracts), textStarts: FlatTable(plans.textStarts),
      textBytes: FlatTable(plans.textBytes), finders: FlatTable(plans.finders),
      textSlots: FlatTable(plans.textSlots),
      profileWidth: profile.used.count + Int(plans.means), yearRegister: Int(compiler.yearRegister ?? -1),
      carried: FlatTable(compiler.judgement.carried.map(\.from)),
      symbolCount: plans.symbolCount, registerCount: Int(compiler.row.registers),
      eventTypes: catalog.eventNames.count,
      profileSeries: series.firstIndex { $0.key.sub == .attribute } ?? -1, codesMax: codesMax)
  }
}
