import CEvents
import Dataflow
import Events
import Features
import Synthetic

/// An event's message with its parts.
struct SampleEvent {
  let value: [UInt8]
  let entityID: String
  let eventID: String
  let time: EventTime
}

/// What both sides get: the invented world of `tally generate`, by a fixed seed.
enum Samples {
  /// Attributes that `pipelines/engagement.yaml` does not declare either.
  static let undeclared: Set<String> = ["full_name", "email"]

  /// Events spread over the whole log.
  static func events(_ count: Int) throws -> [SampleEvent] {
    let configuration = SyntheticConfiguration(seed: 1, customers: 500, days: 60)
    let every = max(1, 300_000 / count)
    var found: [SampleEvent] = []
    var number = 0
    for event in SyntheticLog(configuration) where found.count < count {
      number += 1
      guard number % every == 0 else { continue }
      var writer = WireWriter()
      event.appendProtobuf(to: &writer)
      found.append(
        SampleEvent(value: writer.bytes, entityID: event.entityID, eventID: event.eventID, time: event.time))
    }
    guard found.count == count else {
      throw Difference(description: "the log has \(found.count) events only")
    }
    return found
  }

  /// The declaration of what the events carry: their types, attributes and words.
  static func program(for events: [SampleEvent]) throws -> FeatureProgram {
    var profile = Attributes()
    var types: [String: Attributes] = [:]
    for event in events {
      guard let message = tally__event__unpack(nil, event.value.count, event.value) else { continue }
      defer { tally__event__free_unpacked(message, nil) }
      switch message.pointee.kind_case {
      case TALLY__EVENT__KIND_PROFILE:
        let content = message.pointee.profile.pointee
        profile.note(content.attributes, content.n_attributes)
      case TALLY__EVENT__KIND_ENGAGEMENT:
        let content = message.pointee.engagement.pointee
        types[String(cString: content.type), default: Attributes()].note(
          content.attributes, content.n_attributes)
      default: break
      }
    }
    let declared = types.sorted { $0.key < $1.key }.map {
      EventTypeDeclaration(name: $0.key, attributes: $0.value.declarations, position: nowhere)
    }
    let feature = FeatureDeclaration(
      name: "events", expression: "count(any, 1d)", isColumn: true, labels: [], position: nowhere)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: profile.declarations, events: declared, features: [feature], idleTTL: nil))
  }

  private static let nowhere = SourcePosition(line: 1, column: 1)

  /// Attributes with the values that they have had.
  private struct Attributes {
    private var types: [String: AttributeType] = [:]
    private var words: [String: Set<String>] = [:]

    mutating func note(_ list: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?, _ count: Int) {
      for index in 0..<count {
        guard let attribute = list?[index]?.pointee else { continue }
        let name = String(cString: attribute.name)
        if undeclared.contains(name) { continue }
        switch attribute.value_case {
        case TALLY__ATTRIBUTE__VALUE_BOOL_VALUE: types[name] = .flag
        case TALLY__ATTRIBUTE__VALUE_INT_VALUE, TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE:
          types[name] = .number(decimals: 6, minimum: -1e9, maximum: 1e9)
        case TALLY__ATTRIBUTE__VALUE_STRING_VALUE:
          words[name, default: []].insert(String(cString: attribute.string_value))
        default: break
        }
      }
    }

    var declarations: [AttributeDeclaration] {
      let all = types.merging(words.mapValues { .category($0.sorted()) }) { $1 }
      return all.sorted { $0.key < $1.key }.map {
        AttributeDeclaration(name: $0.key, type: $0.value, position: nowhere)
      }
    }
  }
}
