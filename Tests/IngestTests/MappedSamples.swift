import CXXHash
import Dataflow
import Declaration
import Events
import Features
import Ingest
import Testing

/// A decoder of a pipeline with `input:`, and what it reads in plain form.
final class MappedBench {
  let declaration: PipelineDeclaration
  let program: FeatureProgram
  let names: NameLedger
  let bench: DecoderBench

  init(
    _ yaml: String, homes: KeyHomes = .onePartition, limits: DecoderLimits = DecoderLimits(),
    keepsAttributes: Bool = true
  ) throws {
    declaration = try loadPipeline(yaml: yaml)
    program = try FeatureProgram(declaration.features)
    names = NameLedger(
      declaredTypes: declaration.features.events.map(\.name), mapped: program.mappedAttributes.map(\.name))
    bench = try DecoderBench(
      program, names: names.counter(), input: declaration.input, homes: homes, limits: limits,
      keepsAttributes: keepsAttributes)
  }

  var detail: String { bench.decoder.refusedDetail }

  /// Decodes a line of a file: without a key.
  func decode(
    _ json: String, ingestTimeMs: Int64 = -1, contentType: ContentType = .json
  ) -> DeadLetterReason? {
    bench.decode(
      Array(json.utf8), key: "", ingestTimeMs: ingestTimeMs, contentType: contentType, isOfFile: true)
  }

  /// The last event's attributes by name.
  var attributes: [String: String] {
    guard let event = bench.batch.events.last else { return [:] }
    var all: [String: String] = [:]
    for index in Int(event.attributesStart)..<Int(event.attributesStart + event.attributesCount) {
      let attribute = bench.batch.attributes[index]
      all[bench.batch.symbols.names[Int(attribute.name)]] = text(attribute)
    }
    return all
  }

  private func text(_ attribute: Attribute) -> String {
    switch attribute.kind {
    case .null: return "null"
    case .flag: return attribute.bits == 1 ? "true" : "false"
    case .integer: return "\(Int64(bitPattern: attribute.bits))"
    case .real: return "real \(Double(bitPattern: attribute.bits))"
    case .text:
      // Of a vocabulary's words only their numbers are kept.
      let isWord = attribute.text.count == 0 && attribute.symbol >= 0
      return SampleEvent.quoted(
        isWord ? bench.batch.symbols.names[Int(attribute.symbol)] : bench.batch.string(attribute.text))
    case .list:
      let range = Int(attribute.text.start)..<Int(attribute.text.start + attribute.text.count)
      let elements = bench.batch.elements[range].map { element in
        (element.name >= 0 ? bench.batch.symbols.names[Int(element.name)] + " " : "") + text(element)
      }
      return "\(attribute.bits): " + elements.joined(separator: ", ")
    case .composite, .beyond, .infinite, .garbled: return "\(attribute.kind)"
    }
  }

  /// What is wrong with a record, with its detail; empty: nothing.
  func complaint(_ json: String, ingestTimeMs: Int64 = -1) -> String {
    guard let reason = decode(json, ingestTimeMs: ingestTimeMs) else { return "" }
    return detail.isEmpty ? reason.rawValue : "\(reason.rawValue): \(detail)"
  }
}

/// A pipeline of profiles and logins; tests change a place of it.
let mappedYAML = """
  pipeline: mapped
  idle_ttl: 400d
  input:
    format: json
    entity_id: pid
    event_id: id
    event_time: {path: ts, unit: ms}
    kind: {path: type, map: {signup: {profile: snapshot}, update: {profile: change}, enter: login}}
    attributes: {from: [., extra], parse_text: [extra], paths: {title: work.title}}
  profile:
    age: {type: number, min: 0, max: 120}
    plan: {type: category, vocabulary: [free, paid]}
    vip: {type: flag, wrong: missing}
    title: {type: text, wrong: missing}
    tags: {type: list, of: text}
    jobs: {type: list, of: {year: {type: number, min: 1900, max: 2100}, what: text}}
  events:
    login: {device: text}
  features:
    age: profile.age
    logins: count(login, 30d)
  models: {score: {file: score.json}}
  """

/// `mappedYAML` with places changed, each of which must stand there once.
func mapped(_ changes: (String, String)...) -> String {
  var yaml = mappedYAML
  for (place, replacement) in changes {
    let parts = yaml.split(separator: place, omittingEmptySubsequences: false)
    if parts.count != 2 { Issue.record("the fixture has no single place \(place)") }
    yaml = parts.joined(separator: replacement)
  }
  return yaml
}

/// A record of `mappedYAML` with more fields; those given as nil are left out.
func mappedRecord(_ fields: String = "", without: String = "") -> String {
  let common = [("pid", "7"), ("id", "\"e1\""), ("ts", "1767225600000"), ("type", "\"signup\"")]
  let pairs = common.filter { $0.0 != without }.map { "\"\($0.0)\":\($0.1)" }
  return "{" + (pairs + (fields.isEmpty ? [] : [fields])).joined(separator: ",") + "}"
}

/// XXH3 of a record, 128 bits in hexadecimal digits.
func recordHash(_ text: String) -> String {
  let bytes = Array(text.utf8)
  let hash = XXH3_128bits(bytes, bytes.count)
  return [hash.high64, hash.low64].map { word in
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }.joined()
}
