public import Dataflow
public import Events
public import Features
import Kafka

/// Makes events of records: protobuf or JSON of the same shape (proto/events.proto). One thread; after warm-up it
/// allocates nothing.
///
/// A pipeline may declare another shape of records (`InputMapping`): then all are read by it but those whose `content-type` says protobuf,
/// which are envelopes: so are ticks, erasures and promotions. Else the `content-type` header tells the form; without one, a value whose first byte that is not white space is "{"
/// is JSON, and one that begins with a zero byte is in Confluent's framing. What is wrong is told in this order: empty, too large, unknown content type, malformed (not JSON, nested
/// too deep, not UTF-8, a number beyond its type), unknown schema, wrong types, no kind or two, missing fields, ids, times, too
/// many attributes, numbers, key, a control event's signature; what the pipeline declares (`FeatureProgram.problem`); last the partition, which is not the event's
/// own. Deliberate: an
/// attribute that the pipeline knows and an event names twice is undecodable, because readers disagree which one
/// counts.
public final class EventDecoder: RecordDecoder {
  /// Where the log's entities live.
  public let homes: KeyHomes
  private let program: FeatureProgram
  private let limits: DecoderLimits
  private let control: ControlRule?
  private let pipeline: String
  private let json: JSONReader
  /// Reads records that are no envelopes; nil: all are.
  private let mapped: MappedReader?
  /// Whether a record's key must be its entity's id, and lie where that belongs.
  private let keyIsEntityID: Bool
  private let protobuf: ProtobufReader
  private let names: NameCounter?
  /// For each symbol the last event that named it as an attribute: finds an attribute given twice.
  private var lastUse: [UInt64]
  private var serial: UInt64 = 0
  /// The entity id of the record that was refused last; valid until the next `decode`, as long as the record is.
  public private(set) var refusedEntityID = EventDraft.nothing
  /// More about why the record was refused that was refused last: the field, and what it looks like, never its value.
  public private(set) var refusedDetail = ""

  /// A decoder for a program and a log's homes; `input`: how records become events, nil: they are envelopes; `control`: who may send ticks and erasures, nil: everybody, and nobody promotions; `pipeline`: whose promotions count; `names` counts what is dropped because nobody declares it. `keepsAttributes`: for those who look at an event's attributes, which a pipeline without states else goes without. Throws `PortError` `.misuse` when memory for `valueBytesMax` cannot be had.
  public init(
    _ program: FeatureProgram, homes: KeyHomes, limits: DecoderLimits = DecoderLimits(),
    input: InputMapping? = nil, control: ControlRule? = nil, pipeline: String = "", names: NameCounter? = nil,
    keepsAttributes: Bool = false
  ) throws(PortError) {
    guard limits.valueBytesMax > 0, limits.valueBytesMax <= Self.valueBytesLimit, limits.attributesMax > 0,
      limits.jsonDepthMax > 0, let json = JSONReader(limits)
    else {
      throw PortError(.misuse, "decoder: limits of \(limits.valueBytesMax) bytes cannot be had")
    }
    self.program = program
    self.homes = homes
    self.limits = limits
    self.control = control
    self.pipeline = pipeline
    self.json = json
    self.names = names
    keyIsEntityID = input?.keyIsEntityID ?? true
    mapped = input.flatMap {
      MappedReader($0, program, limits: limits, names: names, keepsAttributes: keepsAttributes)
    }
    guard (mapped == nil) == (input == nil) else {
      throw PortError(.misuse, "decoder: memory for \(limits.valueBytesMax) bytes cannot be had")
    }
    protobuf = ProtobufReader(attributesMax: limits.attributesMax)
    lastUse = Array(repeating: 0, count: program.symbols.names.count)
  }

  /// Largest `valueBytesMax`.
  public static let valueBytesLimit = 1 << 28

  /// Decodes one record into `events`. Returns nil when an event was committed, else why not.
  public func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
    events.begin()
    let firstAttribute = events.attributes.count
    var draft = EventDraft()
    defer { refusedEntityID = draft.entityID }
    if !refusedDetail.isEmpty { refusedDetail = "" }
    if let reason = read(record, into: &draft, events) { return reason }
    // A line of a file need not have a key.
    let hasKey = keyIsEntityID && !(mapped != nil && record.isOfFile && record.key.isEmpty)
    let key = hasKey ? record.key : draft.entityID
    if let reason = draft.problem(key: key, ingestTimeMs: record.ingestTimeMs, limits: limits) {
      let detail = draft.detail(of: reason, ingestTimeMs: record.ingestTimeMs)
      refusedDetail = mapped?.timeText.map { detail.replacing("event_time_us", with: $0) } ?? detail
      return reason
    }
    // A mapping has seen that itself.
    if draft.namesFieldTwice || (!draft.isMapped && namesTwice(events, from: firstAttribute)) {
      return .undecodable
    }
    if let order = order(draft), let problem = problem(order, draft, record) {
      refusedDetail = problem
      return .notSigned
    }
    return judge(draft, events, firstAttribute, partition: record.partition)
  }

  /// What a control event orders whose signature matters; nil: it is none.
  private func order(_ draft: EventDraft) -> ControlOrder? {
    switch draft.kind {
    case .tick: return .tick
    case .erasure: return .erasure
    case .promotion:
      // Another pipeline's changes nothing here, and its key need not be known.
      guard draft.promotion.pipeline.elementsEqual(pipeline.utf8) else { return nil }
      return .promotion(promotion(draft), pipeline: pipeline)
    case .engagement, .profileSnapshot, .profileChange, nil: return nil
    }
  }

  private func problem(_ order: ControlOrder, _ draft: EventDraft, _ record: RawRecord) -> String? {
    guard let control else {
      if case .promotion = order { return ControlRule.noKey }
      return nil
    }
    guard !record.isOfFile else { return nil }
    return control.problem(
      order, entityID: draft.entityID, eventID: draft.eventID, time: draft.time,
      ingestTimeMs: record.ingestTimeMs,
      signature: record.message.map { KafkaMessage(handle: $0).header(ControlKey.header) }
        ?? record.signature)
  }

  /// What a promotion orders that has no problem; one of another pipeline has the number 0.
  private func promotion(_ draft: EventDraft) -> Promotion {
    let isOurs = draft.promotion.pipeline.elementsEqual(pipeline.utf8)
    return Promotion(
      number: isOurs ? draft.promotion.number : 0,
      set: Hash128(digits: draft.promotion.set) ?? Hash128(low: 0, high: 0))
  }

  /// Tells the form and reads it.
  private func read(_ record: RawRecord, into draft: inout EventDraft, _ events: EventBatch)
    -> DeadLetterReason?
  {
    let value = record.value
    if value.isEmpty {
      return record.key.baseAddress == nil && value.baseAddress == nil ? .emptyRecord : .emptyValue
    }
    if value.count > limits.valueBytesMax { return .tooLarge }
    if mapped != nil, record.isOfFile, record.contentType == .unknown {
      refusedDetail =
        "no line of CSV with as many fields as columns, quotes in order and no line break in them"
      return .undecodable
    }
    if let mapped, record.contentType != .protobuf {
      return read(ConfluentFrame.json(value), by: mapped, record, &draft, events)
    }
    if record.contentType != .unknown {
      switch ConfluentFrame(value) {
      case .none: break
      case .message(let message): return readFramed(message, into: &draft, events)
      case .otherMessage: return .unknownSchema
      case .malformed: return .undecodable
      }
    }
    switch record.contentType {
    case .unknown: return .undecodable
    case .json: return json.read(value, into: &draft, events)
    case .protobuf: return readProtobuf(value, into: &draft, events)
    case .unspecified:
      guard Self.looksLikeJSON(value) else { return readProtobuf(value, into: &draft, events) }
      guard let reason = json.read(value, into: &draft, events) else { return nil }
      // Protobuf may look like it: its first tag is a line feed, and the length of an id, or its first byte, "{".
      guard value[0] == Self.lineFeed else { return reason }
      events.begin()
      draft = EventDraft()
      return readProtobuf(value, into: &draft, events) == nil ? nil : reason
    }
  }

  private func read(
    _ value: UnsafeRawBufferPointer, by mapped: MappedReader, _ record: RawRecord, _ draft: inout EventDraft,
    _ events: EventBatch
  ) -> DeadLetterReason? {
    draft.isMapped = true
    guard let reason = mapped.read(value, of: record, into: &draft, events) else { return nil }
    refusedDetail = mapped.detail
    return reason
  }

  private func readFramed(
    _ message: UnsafeRawBufferPointer, into draft: inout EventDraft, _ events: EventBatch
  ) -> DeadLetterReason? {
    return message.first == UInt8(ascii: "{")
      ? json.read(message, into: &draft, events) : readProtobuf(message, into: &draft, events)
  }

  private static let lineFeed = UInt8(ascii: "\n")

  private func readProtobuf(
    _ value: UnsafeRawBufferPointer, into draft: inout EventDraft, _ events: EventBatch
  )
    -> DeadLetterReason?
  {
    protobuf.read(value, into: &draft, events) ? nil : .undecodable
  }

  private static func looksLikeJSON(_ value: UnsafeRawBufferPointer) -> Bool {
    for byte in JSONReader.withoutMark(value) {
      switch byte {
      case UInt8(ascii: "{"): return true
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): continue
      default: return false
      }
    }
    return false
  }

  private func namesTwice(_ events: EventBatch, from first: Int) -> Bool {
    serial += 1
    let attributes = events.attributes
    for index in first..<attributes.count {
      let name = Int(attributes[index].name)
      if name >= lastUse.count {
        lastUse.append(contentsOf: repeatElement(0, count: name + 1 - lastUse.count))
      }
      if lastUse[name] == serial { return true }
      lastUse[name] = serial
    }
    return false
  }

  /// Holds the event to the declaration and to its entity's home, then commits it.
  private func judge(
    _ draft: EventDraft, _ events: EventBatch, _ firstAttribute: Int, partition: Int32
  ) -> DeadLetterReason? {
    let kind = draft.kind ?? .engagement
    let type = kind == .engagement ? events.symbols.lookup(draft.type) : SymbolTable.unknown
    let eventID = events.append(draft.eventID)
    let entityID = events.append(draft.entityID)
    let source = events.append(draft.source)
    let event = Event(
      kind: kind, type: type, eventID: eventID, entityID: entityID, source: source, time: draft.time,
      idHash: Hash128(low: 0, high: 0), attributesStart: Int32(firstAttribute),
      attributesCount: Int32(events.attributes.count - firstAttribute))
    var check = EventCheck()
    if let reason = program.problem(of: event, in: events, &check) {
      refusedDetail = program.detail(of: event, in: events)
      return reason
    }
    // A promotion lies on every partition.
    if keyIsEntityID && kind != .promotion && homes.home(of: draft.entityID) != partition {
      refusedDetail = homes.explanation(of: draft.entityID, on: partition)
      return .wrongPartition
    }
    if let names { note(event, named: draft.type, check, events, names) }
    events.commit(
      kind: kind, type: type, eventID: eventID, entityID: entityID, source: source, time: draft.time)
    if kind == .promotion { events.note(promotion(draft)) }
    return nil
  }

  /// Counts the event by its type, what nobody declares of it, and what was not allowed and replaced.
  private func note(
    _ event: Event, named type: UnsafeRawBufferPointer, _ check: EventCheck, _ events: EventBatch,
    _ names: NameCounter
  ) {
    switch event.kind {
    case .tick, .erasure, .promotion: return
    case .profileSnapshot, .profileChange: names.profile()
    case .engagement:
      guard let number = program.declaredType(of: event) else {
        return names.event(ofUndeclared: DroppedName(type))
      }
      names.event(ofType: number)
    }
    if events.hasDroppedNames {
      let dropped = events.droppedNames
      for index in 0..<dropped.count { names.attribute(dropped[index]) }
    }
    if check.replaced > 0 {
      program.forEachReplaced(of: event, in: events) { name in
        program.symbols.withName(name) { names.replacement(of: DroppedName($0)) }
      }
    }
    guard check.undeclared > 0 else { return }
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      let attribute = events.attributes[index]
      guard !program.declares(attribute, of: event) else { continue }
      program.symbols.withName(attribute.name) { names.attribute(DroppedName($0)) }
    }
  }
}
