extension Simulator {
  /// Makes a failing run smaller, as long as it fails: leaves out faults, then records (ddmin; Zeller and Hildebrandt 2002).
  ///
  /// Without a record later calls have smaller numbers, so that faults are moved along. At most `runsMax` runs. Returns the
  /// smallest with its history.
  public func shrink(
    _ seed: UInt64, _ options: SimulationOptions = SimulationOptions(), runsMax: Int = 3000
  ) -> (reduction: Reduction, report: RunReport) {
    var search = Search(self, seed, options, runsLeft: runsMax)
    for _ in 0..<2 {
      search.leaveOutFaults()
      search.leaveOutRecords()
    }
    search.leaveOutFaults()
    let report = run(seed, options, keeping: search.best, withHistory: true)
    return (search.best, report)
  }
}

/// The search for a smaller run that fails.
private struct Search {
  private let simulator: Simulator
  private let seed: UInt64
  private let options: SimulationOptions
  private var runsLeft: Int
  private(set) var best: Reduction
  /// Calls by which faults are moved back at most.
  private static let shiftMax = 60

  init(_ simulator: Simulator, _ seed: UInt64, _ options: SimulationOptions, runsLeft: Int) {
    self.simulator = simulator
    self.seed = seed
    self.options = options
    self.runsLeft = runsLeft
    let whole = simulator.run(seed, options)
    best = Reduction(
      faults: Dictionary(whole.faults.map { ($0.step, $0.step) }, uniquingKeysWith: { first, _ in first }),
      records: Set(Workload(RunPlan(seed, options)).records.filter { !$0.isLast }.map(\.number)))
  }

  /// Takes a reduction if the run still fails with it.
  private mutating func take(_ reduction: Reduction) -> Bool {
    guard runsLeft > 0 else { return false }
    runsLeft -= 1
    let report = simulator.run(seed, options, keeping: reduction)
    guard !report.problems.isEmpty else { return false }
    best = reduction
    // Faults at calls that the smaller run does not come to say nothing.
    let happened = Set(report.faults.map(\.step))
    best.faults = best.faults?.filter { happened.contains($0.key) }
    return true
  }

  mutating func leaveOutFaults() {
    leaveOut(best.faults?.keys.sorted() ?? []) { search, rest in
      search.take(
        Reduction(faults: search.best.faults?.filter { rest.contains($0.key) }, records: search.best.records))
    }
  }

  mutating func leaveOutRecords() {
    leaveOut(best.records?.sorted() ?? []) { search, rest in
      let gone = (search.best.records?.count ?? 0) - rest.count
      for shift in 0...min(Self.shiftMax, 4 * gone + 8) {
        let moved = search.best.faults.map { faults in
          Dictionary(faults.map { ($0.key - shift, $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        if search.take(Reduction(faults: moved, records: rest)) { return true }
      }
      return false
    }
  }

  /// Tries without each half, quarter, … and at last without each item.
  private mutating func leaveOut(_ items: [Int], _ isTaken: (inout Search, Set<Int>) -> Bool) {
    var kept = items
    var chunk = max(1, kept.count / 2)
    while !kept.isEmpty, runsLeft > 0 {
      var place = 0
      var isSmaller = false
      while place < kept.count, runsLeft > 0 {
        let rest = kept[..<place] + kept[min(place + chunk, kept.count)...]
        if isTaken(&self, Set(rest)) {
          kept = Array(rest)
          isSmaller = true
        } else {
          place += chunk
        }
      }
      if chunk == 1 && !isSmaller { break }
      chunk = max(1, chunk / 2)
    }
  }
}
