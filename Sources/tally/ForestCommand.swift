import ArgumentParser
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
      quantised once. Rows are generated from the models' own thresholds unless a file of float32 is given.

      Examples:
        tally forest models/churn.json
        tally forest models/*.json --batch 1 --batch 256 --kernel avx2
        tally forest churn.json --rows rows.f32 --batch 1 --json --output scores.f32
      """)

  @Argument(help: "Model files (.json, .ubj).", completion: .file(extensions: ["json", "ubj"])) var models:
    [String]
  @Option(help: "Rows a call; may be repeated. Default: 1, 8, 64, 256, 10000.") var batch: [Int] = []
  @Option(help: "portable, avx2, avx512 or auto: the best that this machine has.") var kernel = "auto"
  @Option(help: "Seconds for each batch size.") var seconds = 1.0
  @Option(help: "File of rows: float32, row by row, NaN missing.", completion: .file()) var rows: String?
  @Option(help: "Columns of a row, to check; default: the models'.") var columns: Int?
  @Option(help: "Write all rows' scores here, as float32.", completion: .file()) var output: String?
  @Flag(help: "One JSON object a line.") var json = false

  func validate() throws {
    guard !models.isEmpty else { throw ValidationError("name at least one model file") }
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
      let ensembles = try models.map { try TreeEnsemble(path: $0) }
      let width = ensembles[0].featureCount
      if let columns, columns != width { throw Failure("\(models[0]) has \(width) features, not \(columns)") }
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
      let scratch = forest.makeScratch()
      for size in batch.isEmpty ? [1, 8, 64, 256, 10_000] : batch {
        let times = try time(forest, input, size, scratch)
        print(times, size, forest, loaded - start)
      }
      if let output { try write(forest, input, scratch, output) }
    }
  }

  private func chosenKernel() throws -> Kernel {
    if kernel == "auto" { return .best }
    let names = Kernel.available.map(\.rawValue).joined(separator: ", ")
    guard let chosen = Kernel(rawValue: kernel), chosen.isAvailable else {
      throw Failure("--kernel \(kernel): this machine has \(names)")
    }
    return chosen
  }

  private func input(_ ensembles: [TreeEnsemble], width: Int) throws -> [Float] {
    guard let rows else { return ensembles[0].generatedRows(10_000) }
    guard let data = FileManager.default.contents(atPath: rows) else {
      throw Failure("\(rows): no such file, or it cannot be read")
    }
    guard !data.isEmpty, data.count % (4 * width) == 0 else {
      throw Failure("\(rows): \(data.count) bytes are not whole rows of \(width) float32")
    }
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  /// Nanoseconds of each call, ascending.
  private func time(
    _ forest: Forest, _ input: [Float], _ size: Int, _ scratch: ForestScratch
  ) throws -> [Int64] {
    let total = input.count / forest.columns
    guard total >= size else { throw Failure("--batch \(size): there are only \(total) rows") }
    let callsMax = 1 << 20
    var times: [Int64] = []
    times.reserveCapacity(callsMax)
    let scores = UnsafeMutablePointer<Float>.allocate(capacity: size * forest.outputCount)
    defer { scores.deallocate() }
    input.withUnsafeBufferPointer { input in
      guard let base = input.baseAddress else { return }
      let clock = ContinuousClock()
      let end = clock.now + .seconds(seconds)
      let warm = clock.now + .seconds(seconds / 5)
      var row = 0
      while true {
        let begin = clock.now
        forest.score(base + row * forest.columns, rows: size, scratch: scratch, into: scores)
        let done = clock.now
        row = row + 2 * size <= total ? row + size : 0
        if done < warm { continue }
        let (_, attoseconds) = (done - begin).components
        times.append((done - begin).components.seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        if done >= end || times.count == callsMax { break }
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

  private func write(_ forest: Forest, _ input: [Float], _ scratch: ForestScratch, _ path: String) throws {
    let rows = input.count / forest.columns
    var scores = [Float](repeating: 0, count: rows * forest.outputCount)
    input.withUnsafeBufferPointer { input in
      scores.withUnsafeMutableBufferPointer { scores in
        guard let from = input.baseAddress, let to = scores.baseAddress else { return }
        forest.score(from, rows: rows, scratch: scratch, into: to)
      }
    }
    guard FileManager.default.createFile(atPath: path, contents: scores.withUnsafeBytes { Data($0) }) else {
      throw Failure("\(path): cannot be written")
    }
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
  }
}
