#if PLANTED_BUGS
  import Pipeline

  /// A bug that is planted to show that the simulation finds it: of the worker, or of its neighbours.
  public struct PlantedBug: CaseIterable, Hashable, Sendable {
    /// Its name, as `tally simulate --plant` takes it.
    public let name: String
    let ofWorker: WorkerBug?
    let ofNeighbours: NeighbourBug?

    /// All of them, the worker's first.
    public static let allCases =
      WorkerBug.allCases.map { PlantedBug(name: words("\($0)"), ofWorker: $0, ofNeighbours: nil) }
      + NeighbourBug.allCases.map { PlantedBug(name: words("\($0)"), ofWorker: nil, ofNeighbours: $0) }

    /// The bug of a name; nil: there is none.
    public static func named(_ name: String) -> PlantedBug? { allCases.first { $0.name == name } }

    private init(name: String, ofWorker: WorkerBug?, ofNeighbours: NeighbourBug?) {
      self.name = name
      self.ofWorker = ofWorker
      self.ofNeighbours = ofNeighbours
    }

    /// `emitsFromW` as `emits-from-w`.
    private static func words(_ name: String) -> String {
      name.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
    }
  }
#endif
