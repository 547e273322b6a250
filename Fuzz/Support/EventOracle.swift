import CEvents
import Dataflow
import Events

/// What protobuf-c makes of a value, beside what Tally's reader made of it.
struct EventOracle {
  private let trial: EventTrial

  init(_ trial: EventTrial) { self.trial = trial }

  /// Refused means refused, except for what Tally alone refuses; an event is the same event.
  func check(_ value: UnsafeRawBufferPointer, _ reason: DeadLetterReason?) {
    if reason == .emptyValue || reason == .emptyRecord || reason == .tooLarge { return }
    let event = tally__event__unpack(
      nil, value.count, value.baseAddress?.assumingMemoryBound(to: UInt8.self))
    defer { if event != nil { tally__event__free_unpacked(event, nil) } }
    if reason == .undecodable {
      require(
        event == nil || namesTwice(event) || isLoose(value, .event), "undecodable, but protobuf-c takes it")
    } else {
      require(event != nil, "\(String(describing: reason)), but protobuf-c refuses it")
    }
    if reason == nil, let event { compare(event.pointee, trial.batch.events[0]) }
  }

  private func compare(_ theirs: Tally__Event, _ ours: Event) {
    require(isSame(theirs.event_id, ours.eventID), "event id")
    require(isSame(theirs.entity_id, ours.entityID), "entity id")
    require(isStart(theirs.source, ours.source), "source")
    require(theirs.event_time_us == ours.time && theirs.schema_version <= 1, "time or schema")
    switch ours.kind {
    case .tick: require(theirs.kind_case == TALLY__EVENT__KIND_TICK, "tick")
    case .erasure: require(theirs.kind_case == TALLY__EVENT__KIND_ERASURE, "erasure")
    case .promotion:
      require(theirs.kind_case == TALLY__EVENT__KIND_PROMOTION, "promotion")
      let found = trial.batch.promotion(at: 0)
      let set = String(cString: theirs.promotion.pointee.set)
      require(found?.set.hex == set, "a promotion's set")
    case .engagement: require(theirs.kind_case == TALLY__EVENT__KIND_ENGAGEMENT, "engagement")
    case .profileSnapshot, .profileChange:
      require(theirs.kind_case == TALLY__EVENT__KIND_PROFILE, "profile")
      let isChange = theirs.profile.pointee.mode == TALLY__PROFILE__MODE__CHANGE
      require(isChange == (ours.kind == .profileChange), "mode")
    }
    let known = attributes(theirs).filter { number($0) >= 0 }
    let kept = trial.attributes(ours)
    require(known.count == kept.count, "\(kept.count) attributes instead of \(known.count)")
    for (theirs, ours) in zip(known, kept) { compare(theirs, ours) }
  }

  private func compare(_ theirs: Tally__Attribute, _ ours: Attribute) {
    require(number(theirs) == ours.name, "an attribute's name")
    switch ours.kind {
    case .null: require(theirs.value_case == TALLY__ATTRIBUTE__VALUE__NOT_SET, "null")
    case .flag:
      require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_BOOL_VALUE, "flag")
      require((theirs.bool_value != 0) == (ours.bits != 0), "a flag's value")
    case .integer:
      require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_INT_VALUE, "integer")
      require(theirs.int_value == Int64(bitPattern: ours.bits), "an integer's value")
    case .real:
      require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE, "real")
      require(theirs.double_value.bitPattern == ours.bits, "a real's value")
    case .text:
      require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_STRING_VALUE, "text")
      require(isStart(theirs.string_value, ours.text), "a text's value")
    case .infinite:
      require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE, "real")
      require(!theirs.double_value.isFinite, "an infinite real")
    case .garbled: require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_STRING_VALUE, "text")
    // Nobody declares a list here.
    case .composite: require(theirs.value_case == TALLY__ATTRIBUTE__VALUE_LIST_VALUE, "list")
    case .list, .beyond: require(false, "a value that protobuf does not have")
    }
  }

  private func attributes(_ event: Tally__Event) -> [Tally__Attribute] {
    var count = 0
    var first: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?
    if event.kind_case == TALLY__EVENT__KIND_ENGAGEMENT {
      (count, first) = (event.engagement.pointee.n_attributes, event.engagement.pointee.attributes)
    } else if event.kind_case == TALLY__EVENT__KIND_PROFILE {
      (count, first) = (event.profile.pointee.n_attributes, event.profile.pointee.attributes)
    }
    return (0..<count).compactMap { first?[$0]?.pointee }
  }

  private func namesTwice(_ event: UnsafeMutablePointer<Tally__Event>?) -> Bool {
    guard let event else { return false }
    var names: Set<Int32> = []
    return attributes(event.pointee).contains { number($0) >= 0 && !names.insert(number($0)).inserted }
  }

  /// The number of an attribute's name; a name with a zero byte in it has none that we could know.
  private func number(_ attribute: Tally__Attribute) -> Int32 {
    trial.batch.symbols.lookup(bytes(attribute.name))
  }

  private func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
    var count = 0
    while let text, text[count] != 0 { count += 1 }
    return UnsafeRawBufferPointer(start: text, count: count)
  }

  private func isSame(_ text: UnsafePointer<CChar>?, _ slice: ByteSlice) -> Bool {
    trial.batch.withBytes(of: slice) { bytes(text).elementsEqual($0) }
  }

  /// Whether a text is the same up to its first zero byte, beyond which protobuf-c's cannot be read.
  private func isStart(_ text: UnsafePointer<CChar>?, _ slice: ByteSlice) -> Bool {
    trial.batch.withBytes(of: slice) { bytes(text).elementsEqual($0.prefix { $0 != 0 }) }
  }

  // MARK: What Tally alone refuses

  private enum Message { case event, kind, attribute, empty }

  /// Whether a message that protobuf-c takes has a field of number 0, a tag of more than 32 bits, a number of more than 64 or
  /// a truth value of another wire type (protobuf-c does not look at its), itself or in the messages in it.
  private func isLoose(_ bytes: UnsafeRawBufferPointer, _ message: Message) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let tag = Self.varint(&rest), tag >> 3 != 0, tag <= UInt64(UInt32.max) else { return true }
      if message == .attribute && tag >> 3 == 2 && tag & 7 != 0 { return true }
      switch tag & 7 {
      case 0: guard Self.varint(&rest) != nil else { return true }
      case 1: rest = rest.dropFirst(8)
      case 5: rest = rest.dropFirst(4)
      default:
        let count = Int(truncatingIfNeeded: Self.varint(&rest) ?? 0)
        let content = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = rest.dropFirst(count)
        if let child = Self.child(message, tag >> 3), isLoose(content, child) { return true }
      }
    }
    return false
  }

  private static func child(_ message: Message, _ number: UInt64) -> Message? {
    switch (message, number) {
    case (.event, 10), (.event, 11): .kind
    case (.event, 12), (.event, 13): .empty
    case (.kind, 2): .attribute
    default: nil
    }
  }

  /// The next varint; nil: it has more than 64 bits.
  private static func varint(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      if shift == 63 && byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return value
  }
}
