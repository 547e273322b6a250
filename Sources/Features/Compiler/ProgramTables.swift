import Events

/// Everything that row code reads, flat. Built once; freed by the program.
struct ProgramTables {
  /// Series by number.
  var series: FlatTable<SeriesLayout>
  /// Half-lives of decays, in Doubles of microseconds.
  var halfLives: FlatTable<Double>
  /// Distinct windows of the aggregates.
  var windows: FlatTable<WindowReach>
  /// Aggregates, by series and window.
  var aggregates: FlatTable<AggregateRead>
  var instructions: FlatTable<Instruction>
  /// Register of each column.
  var columns: FlatTable<Int32>
  var constantRegisters: FlatTable<Int32>
  var constantValues: FlatTable<Double>
  var filterSteps: FlatTable<FilterStep>
  /// Updates of all groups; group `g` has those from `updateStarts[g]` to `updateStarts[g + 1]`. After the event
  /// types comes the group of undeclared types.
  var updates: FlatTable<SeriesUpdate>
  var updateStarts: FlatTable<Int32>
  /// Slots of each group's attributes in use; the last is the profile.
  var slotCounts: FlatTable<Int32>
  /// Group of an event type by symbol; -1: undeclared.
  var groupOfSymbol: FlatTable<Int32>
  /// Plan of an attribute by group and symbol; -1: not declared there. `symbolCount` columns.
  var planOfSymbol: FlatTable<Int32>
  var plans: FlatTable<AttributePlan>
  /// Codes of vocabularies by symbol.
  var codes: FlatTable<Int32>
  /// Number of each profile attribute in use, by slot.
  var profileNumbers: FlatTable<UInt64>
  /// Register of each declared profile attribute; -1: not in use.
  var profileRegisters: FlatTable<Int32>
  /// Register of each profile slot.
  var slotRegisters: FlatTable<Int32>
  /// For stored profile values: how many codes a category or flag has; 0: a number.
  var profileCodes: FlatTable<Int32>
  /// What is made of profile attributes, by attribute.
  var extracts: FlatTable<Extract>
  /// Where each text of the extracts begins in `textBytes`; one more for the end of the last.
  var textStarts: FlatTable<Int32>
  var textBytes: FlatTable<UInt8>
  var finders: FlatTable<TextFinder>
  var textSlots: FlatTable<TextSlot>
  /// Slots of the profile's attributes, and what lists count beside them.
  var profileWidth: Int
  /// Register of the as-of time's year; -1: nothing asks for it.
  var yearRegister: Int
  /// Registers whose values are carried to where outputs are known.
  var carried: FlatTable<Int32>
  var symbolCount: Int
  var registerCount: Int
  /// Number of declared event types: also the profile's group and the group of undeclared types.
  var eventTypes: Int
  /// Number of the profile's series; -1: none.
  var profileSeries: Int
  /// Most codes that an aggregate counts.
  var codesMax: Int

  func deallocate() {
    series.deallocate()
    halfLives.deallocate()
    windows.deallocate()
    aggregates.deallocate()
    instructions.deallocate()
    columns.deallocate()
    constantRegisters.deallocate()
    constantValues.deallocate()
    filterSteps.deallocate()
    updates.deallocate()
    updateStarts.deallocate()
    slotCounts.deallocate()
    groupOfSymbol.deallocate()
    planOfSymbol.deallocate()
    plans.deallocate()
    codes.deallocate()
    profileNumbers.deallocate()
    profileRegisters.deallocate()
    slotRegisters.deallocate()
    profileCodes.deallocate()
    carried.deallocate()
    extracts.deallocate()
    textStarts.deallocate()
    textBytes.deallocate()
    finders.deallocate()
    textSlots.deallocate()
  }
}
