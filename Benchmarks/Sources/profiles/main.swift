import Dataflow
import Declaration
import Events
import Features
import Foundation
import Ingest
import Synthetic

/// What a row of the age pipeline costs without its models: a record as its owners have it, mapped, checked and read as 22 features.
/// `profiles [PIPELINE] [PROFILES]`: nanoseconds per record of the best of several rounds, `profile_json` as object and as text. 20,000
/// profiles are too many for a processor to learn their branches by heart, as it does with 300.
let arguments = CommandLine.arguments.dropFirst()
let file = arguments.first ?? "../pipelines/age.yaml"
let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 20_000
let yaml = try String(contentsOfFile: file, encoding: .utf8)
let declaration = try loadPipeline(yaml: yaml)
let program = try FeatureProgram(declaration.features)
let ledger = NameLedger(declaredTypes: [], mapped: program.mappedAttributes.map(\.name))
let rounds = max(15, 300_000 / count)

for form in [ProfileForm.object, .text] {
  let records = profiles(form)
  let decoder = try EventDecoder(
    program, homes: .onePartition, input: declaration.input, names: ledger.counter())
  let pass = EventPass(program: program, decoder: decoder)
  var row = [Float](repeating: 0, count: program.columnNames.count)
  var carried = [Double](repeating: 0, count: max(program.results.carriedCount, 1))
  var best = (decode: UInt64.max, all: UInt64.max)
  var letters = 0
  for _ in 0..<rounds {
    letters = 0
    let begun = ContinuousClock.now
    for record in records {
      pass.removeAll()
      if case .refused = pass.decode(view(record)) { letters += 1 }
    }
    let decoded = ContinuousClock.now
    for record in records {
      pass.removeAll()
      guard case .event(let event) = pass.decode(view(record)) else { continue }
      if case .applied = pass.apply(event) { pass.read(event, into: &row, carried: &carried) }
    }
    let ended = ContinuousClock.now
    best.decode = min(best.decode, nanos(decoded - begun) / UInt64(count))
    best.all = min(best.all, nanos(ended - decoded) / UInt64(count))
  }
  let bytes = records.reduce(0) { $0 + $1.count } / count
  print(
    "\(form): \(bytes) bytes, mapping \(best.decode) ns, mapping and features \(best.all) ns a record; \(letters) letters"
  )
}

func profiles(_ form: ProfileForm) -> [[UInt8]] {
  var population = ProfilePopulation(ProfileConfiguration(form: form))
  return (0..<count).map { number in
    var bytes: [UInt8] = []
    population.append(number, to: &bytes)
    return bytes
  }
}

func view(_ bytes: [UInt8]) -> RawRecord {
  bytes.withUnsafeBytes {
    RawRecord(
      partition: 0, offset: 0, ingestTimeMs: 1_793_491_200_000,
      key: UnsafeRawBufferPointer(start: nil, count: 0),
      value: $0, contentType: .json)
  }
}

func nanos(_ duration: Duration) -> UInt64 {
  UInt64(duration.components.seconds) * 1_000_000_000
    + UInt64(duration.components.attoseconds / 1_000_000_000)
}
