import CSimdjson
import CXXHash
import Dataflow
import Events
import Features

/// Reads records of a declared shape: one pass over the JSON that visits declared paths only. Row code; one thread.
///
/// What is not as declared is told with the path and what stands there, never its value. Integers are ids in decimal digits. Null is as
/// absent.
final class MappedReader {
  private let parser: OpaquePointer
  private let places: MappedPlaces
  /// Attributes, where they may stand, and fields of elements by their numbers: read without reference counts.
  let attributes: UnsafeMutableBufferPointer<FlatAttribute>
  let candidates: UnsafeMutableBufferPointer<Int32>
  let fields: UnsafeMutableBufferPointer<FlatAttribute>
  private let input: InputMapping
  let program: FeatureProgram
  private let entityID: Int
  private let eventID: Int?
  private let time: Int?
  private let kind: Int?
  /// What words mean; the first one where the kind is always the same.
  private let meanings: [Meaning]
  var mapped = tally_mapped()
  /// Digits of numbers that are ids, and the hash of a record.
  private let digits: UnsafeMutableRawBufferPointer
  private static let digitsBytes = 32
  /// More about why the last record was refused.
  private(set) var detail = ""
  private let names: NameCounter?
  /// Whether profiles are taken value by value.
  private let takesProfiles: Bool
  /// Records in which it was noted which paths were there.
  private var watched = 0

  /// A reader; nil: no memory. `names` counts which paths were met.
  init?(
    _ input: InputMapping, _ program: FeatureProgram, limits: DecoderLimits, names: NameCounter?,
    keepsAttributes: Bool
  ) {
    guard let made = tally_mapping_new(limits.valueBytesMax) else { return nil }
    parser = made
    self.input = input
    self.program = program
    self.names = names
    takesProfiles = !program.keepsState && !keepsAttributes
    var places = MappedPlaces(made, input, program)
    entityID = places.want(input.entityID.keys)
    if case .path(let path) = input.eventID { eventID = places.want(path.keys) } else { eventID = nil }
    if case .path(let path, _) = input.time { time = places.want(path.keys) } else { time = nil }
    switch input.kind {
    case .always(let kind):
      self.kind = nil
      meanings = [Meaning("", kind)]
    case .path(let path, let words):
      kind = places.want(path.keys)
      meanings = words.map { Meaning($0.word, $0.kind) }
    }
    self.places = places
    var candidates: [Int32] = []
    var flat: [FlatAttribute] = []
    for attribute in places.attributes {
      let first = candidates.count
      candidates += attribute.places.map { Int32($0) }
      flat.append(
        FlatAttribute(
          number: attribute.number, isList: attribute.isList, isWord: attribute.use.isWord,
          isRead: attribute.use.isRead, plan: program.profilePlan(of: attribute.number) ?? -1, first: first,
          end: candidates.count))
    }
    attributes = Self.copy(flat)
    self.candidates = Self.copy(candidates)
    fields = Self.copy(
      places.fields.map {
        FlatAttribute(
          number: $0.number, isList: false, isWord: $0.use.isWord, isRead: $0.use.isRead, plan: -1)
      })
    digits = .allocate(byteCount: 4 * Self.digitsBytes, alignment: 8)
  }

  deinit {
    tally_mapping_free(parser)
    digits.deallocate()
    attributes.deallocate()
    candidates.deallocate()
    fields.deallocate()
    for meaning in meanings { meaning.deallocate() }
    for container in places.containers { container.name.deallocate() }
  }

  private static func copy<Value>(_ values: [Value]) -> UnsafeMutableBufferPointer<Value> {
    let copy = UnsafeMutableBufferPointer<Value>.allocate(capacity: max(values.count, 1))
    _ = copy.initialize(from: values)
    return UnsafeMutableBufferPointer(start: copy.baseAddress, count: values.count)
  }

  /// Where the event time stands, for readers; nil: it is the ingest time.
  var timeText: String? {
    if case .path(let path, _) = input.time { path.text } else { nil }
  }

  /// Reads a record; its texts stay valid until the next call. Returns why it is no event, or nil.
  func read(
    _ value: UnsafeRawBufferPointer, of record: RawRecord, into draft: inout EventDraft, _ batch: EventBatch
  ) -> DeadLetterReason? {
    if !detail.isEmpty { detail = "" }
    if let reason = parse(value) { return reason }
    if let reason = readIDs(value, &draft) { return reason }
    if let reason = readTime(record, &draft) { return reason }
    if let reason = readKind(&draft) { return reason }
    if let reason = checkContainers() { return reason }
    if !takesProfiles || draft.kind != .profileSnapshot || !takeProfile(batch, &draft) {
      readAttributes(batch, &draft)
    }
    if let names, watched < NameCounts.mappedRecordsMax { watch(names) }
    return nil
  }

  private func parse(_ value: UnsafeRawBufferPointer) -> DeadLetterReason? {
    let value = JSONReader.withoutMark(value)
    guard let base = value.baseAddress else { return .undecodable }
    switch tally_json_outcome(UInt32(tally_mapping_read(parser, base, value.count, &mapped))) {
    case TALLY_JSON_OK: return nil
    case TALLY_JSON_TOO_DEEP: return .tooDeep
    case TALLY_JSON_INVALID_UTF8: return .invalidUTF8
    case TALLY_JSON_TOO_LARGE: return .tooLarge
    case TALLY_JSON_TWICE:
      detail = "\(places.nodeTexts[mapped.problem_node] ?? "a key") stands twice in one object"
      return .undecodable
    default: return .undecodable
    }
  }

  // MARK: Ids

  private func readIDs(
    _ value: UnsafeRawBufferPointer, _ draft: inout EventDraft
  ) -> DeadLetterReason? {
    switch id(entityID, slot: 0) {
    case .success(let bytes): draft.entityID = bytes
    case .failure(let problem): return tell(problem, of: input.entityID, .missingEntityID)
    }
    guard let eventID, case .path(let path) = input.eventID else {
      draft.eventID = hash(of: value)
      return nil
    }
    switch id(eventID, slot: 1) {
    case .success(let bytes): draft.eventID = bytes
    case .failure(let problem): return tell(problem, of: path, .missingEventID)
    }
    return nil
  }

  /// Why a place gives nothing.
  private enum Problem: Error { case absent, empty, garbled, noID, wrong(String) }

  private func id(_ place: Int, slot: Int) -> Result<UnsafeRawBufferPointer, Problem> {
    let value = mapped.values[place]
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_TEXT:
      let bytes = Self.text(value)
      if bytes.isEmpty { return .failure(.empty) }
      return EventDraft.isID(bytes) ? .success(bytes) : .failure(.noID)
    case TALLY_JSON_INTEGER:
      let whole = Int64(bitPattern: value.bits)
      return .success(decimal(whole.magnitude, isNegative: whole < 0, slot: slot))
    case TALLY_JSON_UNSIGNED: return .success(decimal(value.bits, isNegative: false, slot: slot))
    case TALLY_JSON_REAL:
      let real = Double(bitPattern: value.bits)
      // 123456789.0, as writers without whole numbers have it; from 2^53 on, two ids would be one.
      guard abs(real) < 0x1p53 else {
        return .failure(.wrong("a real number beyond ±2^53, which two ids may share"))
      }
      guard let whole = Int64(exactly: real) else { return .failure(.wrong("a number that is not whole")) }
      return .success(decimal(whole.magnitude, isNegative: whole < 0, slot: slot))
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: return .failure(.absent)
    case TALLY_JSON_GARBLED: return .failure(.garbled)
    default: return .failure(.wrong(Self.words(value)))
    }
  }

  private static func text(_ value: tally_json_value) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: value.text, count: Int(value.text_count))
  }

  private func decimal(_ number: UInt64, isNegative: Bool, slot: Int) -> UnsafeRawBufferPointer {
    let end = (slot + 1) * Self.digitsBytes
    var start = end
    var rest = number
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    if isNegative {
      start -= 1
      digits[start] = UInt8(ascii: "-")
    }
    return UnsafeRawBufferPointer(rebasing: digits[start..<end])
  }

  /// 32 hexadecimal digits: XXH3, 128 bits, of the record's bytes, in its canonical form.
  private func hash(of value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let hash = XXH3_128bits(value.baseAddress, value.count)
    let start = 2 * Self.digitsBytes
    write(hash.high64, at: start)
    write(hash.low64, at: start + 16)
    return UnsafeRawBufferPointer(rebasing: digits[start..<(start + 32)])
  }

  @inline(__always)
  private func write(_ word: UInt64, at start: Int) {
    for digit in 0..<16 {
      let nibble = UInt8(truncatingIfNeeded: word &>> UInt64(60 - 4 * digit)) & 15
      digits[start + digit] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
    }
  }

  // MARK: Time and kind

  private func readTime(_ record: RawRecord, _ draft: inout EventDraft) -> DeadLetterReason? {
    guard let time, case .path(let declared, let unit) = input.time else {
      guard record.ingestTimeMs >= 0 else {
        detail = "the record has no timestamp, and event_time is ingest: say when, with --ingest-time"
        return .missingTime
      }
      guard (EventTimeBounds.start / 1000..<EventTimeBounds.end / 1000).contains(record.ingestTimeMs) else {
        detail =
          "event_time is ingest, and the record's timestamp is outside 1973-03-03 to 2089 as milliseconds"
        return .invalidTime
      }
      draft.time = record.ingestTimeMs * 1000
      return nil
    }
    let value = mapped.values[time]
    var found: EventTime?
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: return tell(.absent, of: declared, .missingTime)
    case TALLY_JSON_INTEGER where unit != .rfc3339:
      found = MappedTime.micros(Int64(bitPattern: value.bits), unit)
    case TALLY_JSON_UNSIGNED, TALLY_JSON_BEYOND: found = unit == .rfc3339 ? nil : .max
    case TALLY_JSON_REAL where unit != .rfc3339:
      found = MappedTime.micros(Double(bitPattern: value.bits), unit)
    case TALLY_JSON_TEXT where unit == .rfc3339: found = MappedTime.rfc3339(Self.text(value))
    case TALLY_JSON_TEXT:
      found = JSONReader.decimal(Self.text(value)).map { MappedTime.micros($0, unit) }
    default: break
    }
    guard let found else {
      let isText = value.kind == TALLY_JSON_TEXT.rawValue
      let wanted =
        unit == .rfc3339 ? "is not RFC 3339 with Z or an offset" : "is no whole number of \(unit.rawValue)"
      return tell(.wrong(Self.words(value) + (isText ? " that \(wanted)" : "")), of: declared, .wrongType)
    }
    draft.time = found
    if found < EventTimeBounds.start || found >= EventTimeBounds.end {
      detail = "\(declared.text) is outside 1973-03-03 to 2089 as \(unit.rawValue): another unit?"
      return found == 0 ? .missingTime : .invalidTime
    }
    return nil
  }

  private func readKind(_ draft: inout EventDraft) -> DeadLetterReason? {
    guard let kind, case .path(let declared, _) = input.kind else {
      draft.kind = meanings[0].kind
      draft.type = meanings[0].type
      return nil
    }
    let word: UnsafeRawBufferPointer
    switch id(kind, slot: 3) {
    case .success(let bytes): word = bytes
    case .failure(let problem): return tell(problem, of: declared, .missingType)
    }
    for number in 0..<meanings.count where EventDraft.equal(word, meanings[number].word) {
      draft.kind = meanings[number].kind
      draft.type = meanings[number].type
      return nil
    }
    guard program.keepsState else {
      // Nothing would be read of it, and yet it would be scored.
      detail = "the word at \(declared.text) is none that kind.map names"
      return .unknownKind
    }
    draft.kind = .engagement
    draft.type = word
    return nil
  }

  /// Containers that are something else than an object.
  private func checkContainers() -> DeadLetterReason? {
    for index in 0..<places.containers.count {
      let container = places.containers[index]
      let value = mapped.values[container.place]
      switch tally_json_kind(value.kind) {
      case TALLY_JSON_OBJECT, TALLY_JSON_ABSENT, TALLY_JSON_NULL: continue
      case _ where input.wrong != .letter:
        // One that cannot be read is one replaced value.
        names?.replacement(of: DroppedName(container.name))
        continue
      case TALLY_JSON_TEXT where container.readsText:
        detail = "\(container.text) holds a text that is no JSON object"
      default: detail = "\(container.text) is no object but \(Self.words(value))"
      }
      return .wrongType
    }
    return nil
  }

  private func tell(
    _ problem: Problem, of place: RecordPath, _ reason: DeadLetterReason
  ) -> DeadLetterReason {
    switch problem {
    case .absent:
      detail = "\(place.text) is absent or null"
      return reason
    case .empty:
      detail = "\(place.text) is empty"
      return reason
    case .garbled:
      detail = "\(place.text) is no valid text"
      return .invalidUTF8
    case .noID:
      detail = "\(place.text) has a control character, or more than \(DecoderLimits.idBytesMax) bytes"
      return .invalidID
    case .wrong(let found):
      detail = "\(place.text) is \(found)"
      return .wrongType
    }
  }

  private static func words(_ value: tally_json_value) -> String {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_NULL: "null"
    case TALLY_JSON_FLAG: "true or false"
    case TALLY_JSON_INTEGER, TALLY_JSON_UNSIGNED, TALLY_JSON_REAL, TALLY_JSON_BEYOND: "a number"
    case TALLY_JSON_INFINITE: "an infinite number or NaN"
    case TALLY_JSON_TEXT, TALLY_JSON_GARBLED: "a text"
    case TALLY_JSON_ARRAY: "a list"
    case TALLY_JSON_OBJECT: "an object"
    default: "absent"
    }
  }

  /// Notes which attributes stand somewhere.
  private func watch(_ names: NameCounter) {
    watched += 1
    names.mappedRecord()
    for (index, attribute) in attributes.enumerated()
    where Self.place(of: attribute, candidates.baseAddress!, mapped.values) >= 0 {
      names.sawPath(index)
    }
  }
}
