import Dataflow
import ArgumentParser
import Configuration
import Foundation
import Scorer
import XGBoost

/// `tally forest`: what models cost on this machine.
struct ForestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forest",
    abstract: "Checks model files against libxgboost and times their evaluation here.",
    discussion: """
      Every model is compared with libxgboost over 1,000 generated rows, bit for bit, and then timed on one thread: each
      call of a batch by itself, with the clock read around it. Several models are evaluated over the same rows, which are
      quantised once. Rows are generated from the first model's thresholds unless a file of float32 is given.

      Examples:
        tally forest models/churn.json
        tally forest models/*.json --batch 1 --batch 256 --kernel avx2
        tally forest churn.json --rows rows.f32 --batch 1 --json --output scores.f32
      """)

  @Argument(help: "Model files (.json, .ubj).", completion: .file(extensions: ["json", "ubj"])) var models:
    [String]
  @Option(help: "best or all: which trees count of models whose training was stopped early.") var trees:
    String?
  @Flag(help: "Read files of releases of XGBoost that were never compared, too.") var acceptVersion = false
  @Option(help: "Rows a call; may be repeated. Default: 1, 8, 64, 256, 10000.") var batch: [Int] = []
  @Option(help: "portable, avx2, avx512 or auto: the best that this machine has.") var kernel = "auto"
  @Option(help: "Seconds for each batch size.") var seconds = 1.0
  @Option(help: "File of rows: float32, row by row, NaN missing.", completion: .file()) var rows: String?
  @Option(help: "Columns of a row, to check; default: the models'.") var columns: Int?
  @Option(help: "Time explanations instead of scores: exact (TreeSHAP) or approximate (Saabas).") var explain:
    String?
  @Option(help: "Write all rows' scores here, as float32.", completion: .file()) var output: String?
  @Flag(help: "One JSON object a line.") var json = false

  func validate() throws {
    guard !models.isEmpty else { throw ValidationError("name at least one model file") }
    guard trees == nil || trees.flatMap({ CountedTrees(rawValue: $0) }) != nil else {
      throw ValidationError("--trees is best or all")
    }
    guard batch.allSatisfy({ (1...1_000_000).contains($0) }) else {
      throw ValidationError("--batch is 1 to 1000000 rows")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds is more than 0, at most 3600")
    }
  }

  func run() throws {
    try reporting {
      let start = ContinuousClock.now
      let reading = ModelReading(
        trees: trees.flatMap { CountedTrees(rawValue: $0) }, acceptsRelease: acceptVersion)
      let ensembles = try models.map { try TreeEnsemble(path: $0, reading: reading) }
      let width = ensembles[0].featureCount
      if let columns, columns != width {
        throw Failure("\(models[0]) has \(width) features, not \(columns)", reason: .usage)
      }
      let forest = try Forest(ensembles, columns: width, kernel: try chosenKernel())
      let laidOut = ContinuousClock.now
      try forest.check(ensembles, names: models)
      let loaded = ContinuousClock.now
      let input = try input(ensembles, width: width)
      if !json {
        say(
          "\(models.count) model(s), \(ensembles.reduce(0) { $0 + $1.trees.count }) trees, \(forest.bytes / 1024) KiB, "
            + "kernel \(forest.kernel.rawValue), read in \(Self.milliseconds(laidOut - start)) ms, equal to libxgboost's "
            + "scores in every bit of 1,000 rows (\(Self.milliseconds(loaded - laidOut)) ms)")
        say("rows a call    p50 µs a row    p99 µs a row")
      }
      for size in batch.isEmpty ? [1, 8, 64, 256, 10_000] : batch {
        guard input.count >= size * width else {
          throw Failure("--batch \(size): there are only \(input.count / width) rows", reason: .usage)
        }
        let work = try work(forest, ensembles, size)
        print(time(input, width, size, work.body), size, forest, loaded - start)
        if let output, explain == nil { try write(input, width, size, work, output) }
      }
    }
  }

  /// What is timed: it reads rows and writes `width` values a row to `results`.
  private struct Work {
    var results: UnsafeMutablePointer<Float>
    var width: Int
    var body: (UnsafePointer<Float>, Int) -> Void
  }

  /// Scoring, or explaining; `results` live as long as the program.
  private func work(_ forest: Forest, _ ensembles: [TreeEnsemble], _ size: Int) throws -> Work {
    guard let explain else {
      let scratch = forest.makeScratch()
      let results = UnsafeMutablePointer<Float>.allocate(capacity: size * forest.outputCount)
      return Work(results: results, width: forest.outputCount) {
        forest.score($0, rows: $1, scratch: scratch, into: results)
      }
    }
    guard let method = Explainer.Method(rawValue: explain) else {
      throw Failure("--explain \(explain): exact or approximate", reason: .usage)
    }
    let explainers = try ensembles.map { try Explainer($0, kernel: forest.kernel) }
    let scratches = explainers.map { $0.makeScratch() }
    let width = explainers.map { $0.groups * ($0.columns + 1) }.max() ?? 0
    let results = UnsafeMutablePointer<Float>.allocate(capacity: size * width)
    return Work(results: results, width: width) { rows, count in
      for (explainer, scratch) in zip(explainers, scratches) {
        explainer.contributions(rows, rows: count, method: method, scratch: scratch, into: results)
      }
    }
  }

  private func chosenKernel() throws -> Kernel {
    guard let chosen = Kernel(choice: kernel) else {
      let names = Kernel.available.map(\.rawValue).joined(separator: ", ")
      throw Failure("--kernel \(kernel): this machine has \(names)", reason: .usage)
    }
    return chosen
  }

  private func input(_ ensembles: [TreeEnsemble], width: Int) throws -> [Float] {
    guard let rows else { return ensembles[0].generatedRows(10_000) }
    guard let data = FileManager.default.contents(atPath: rows) else {
      throw Failure("\(rows): no such file, or it cannot be read", reason: .badFile)
    }
    guard !data.isEmpty, data.count % (4 * width) == 0 else {
      throw Failure("\(rows): \(data.count) bytes are not whole rows of \(width) float32", reason: .badFile)
    }
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  /// Nanoseconds of each call, ascending.
  private func time(
    _ input: [Float], _ width: Int, _ size: Int, _ body: (UnsafePointer<Float>, Int) -> Void
  ) -> [Int64] {
    let callsMax = 1 << 20
    let total = input.count / width
    var times: [Int64] = []
    times.reserveCapacity(callsMax)
    // Rows lie where a caller has just put them: copied before the clock is read.
    let rows = UnsafeMutablePointer<Float>.allocate(capacity: size * width)
    defer { rows.deallocate() }
    input.withUnsafeBufferPointer { input in
      guard let base = input.baseAddress else { return }
      let clock = ContinuousClock()
      let warm = clock.now + .seconds(seconds / 4)
      let end = clock.now + .seconds(seconds * 1.25)
      var row = 0
      while true {
        rows.update(from: base + row * width, count: size * width)
        row = row + 2 * size <= total ? row + size : 0
        let begin = clock.now
        body(rows, size)
        let done = clock.now
        if done >= warm {
          let (whole, attoseconds) = (done - begin).components
          times.append(whole * 1_000_000_000 + attoseconds / 1_000_000_000)
          if done >= end || times.count == callsMax { break }
        }
      }
    }
    times.sort()
    return times
  }

  private func print(_ times: [Int64], _ size: Int, _ forest: Forest, _ load: Duration) {
    func microseconds(_ share: Double) -> Double {
      Double(times[min(times.count - 1, Int(Double(times.count) * share))]) / 1000
    }
    let (p50, p99) = (microseconds(0.5), microseconds(0.99))
    let mean = Double(times.reduce(0, +)) / Double(times.count) / 1000
    if json {
      say(
        "{\"batch\":\(size),\"kernel\":\"\(forest.kernel.rawValue)\",\"p50_us\":\(p50),\"p99_us\":\(p99),"
          + "\"mean_us\":\(mean),\"calls\":\(times.count),\"load_ms\":\(Self.milliseconds(load))}")
    } else {
      let format = { (value: Double) in String(format: "%14.3f", value / Double(size)) }
      say(String(format: "%11d", size) + "  " + format(p50) + "  " + format(p99))
    }
  }

  /// Scores all rows in calls of the same size.
  private func write(_ input: [Float], _ width: Int, _ size: Int, _ work: Work, _ path: String) throws {
    let total = input.count / width
    var scores = Data(capacity: total * work.width * 4)
    input.withUnsafeBufferPointer { input in
      guard let base = input.baseAddress else { return }
      for row in stride(from: 0, to: total, by: size) {
        let count = min(size, total - row)
        work.body(base + row * width, count)
        scores.append(UnsafeBufferPointer(start: work.results, count: count * work.width))
      }
    }
    guard FileManager.default.createFile(atPath: path, contents: scores) else {
      throw Failure("\(path): cannot be written", reason: .badFile)
    }
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
  }
}
