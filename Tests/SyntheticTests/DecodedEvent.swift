import CEvents
import Foundation
import Testing

/// An event as a reader who knows only the contract sees it.
struct DecodedEvent: Equatable {
  enum Value: Equatable {
    case null, flag(Bool), integer(Int64), real(Double), text(String)
  }

  var eventID = ""
  var entityID = ""
  var time: Int64 = 0
  var source = ""
  var schema = 0
  /// Engagement type, or the profile's mode.
  var kind = ""
  var isProfile = false
  var attributes: [String: Value] = [:]

  /// Reads JSON through Foundation.
  init(json: [UInt8]) throws {
    let object = try JSONSerialization.jsonObject(with: Data(json))
    let root = try #require(object as? [String: Any])
    eventID = try #require(root["event_id"] as? String)
    entityID = try #require(root["entity_id"] as? String)
    time = try #require(root["event_time_us"] as? NSNumber).int64Value
    source = try #require(root["source"] as? String)
    schema = try #require(root["schema_version"] as? Int)
    isProfile = root["profile"] != nil
    let body = try #require((root["profile"] ?? root["engagement"]) as? [String: Any])
    kind = try #require((body["type"] ?? body["mode"]) as? String)
    for (name, value) in try #require(body["attributes"] as? [String: Any]) {
      attributes[name] = try Self.value(value)
    }
  }

  private static func value(_ any: Any) throws -> Value {
    if any is NSNull { return .null }
    if let text = any as? String { return .text(text) }
    let number = try #require(any as? NSNumber)
    switch String(cString: number.objCType) {
    case "c", "B": return .flag(number.boolValue)
    case "d", "f": return .real(number.doubleValue)
    default: return .integer(number.int64Value)
    }
  }

  /// Reads protobuf through protobuf-c.
  init(protobuf: [UInt8]) throws {
    let event = try #require(tally__event__unpack(nil, protobuf.count, protobuf))
    defer { tally__event__free_unpacked(event, nil) }
    eventID = String(cString: event.pointee.event_id)
    entityID = String(cString: event.pointee.entity_id)
    time = event.pointee.event_time_us
    source = String(cString: event.pointee.source)
    schema = Int(event.pointee.schema_version)
    isProfile = event.pointee.kind_case == TALLY__EVENT__KIND_PROFILE
    let found: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?
    let count: Int
    if isProfile {
      let profile = try #require(event.pointee.profile)
      kind = profile.pointee.mode == TALLY__PROFILE__MODE__SNAPSHOT ? "SNAPSHOT" : "CHANGE"
      (found, count) = (profile.pointee.attributes, profile.pointee.n_attributes)
    } else {
      let engagement = try #require(event.pointee.engagement)
      kind = String(cString: engagement.pointee.type)
      (found, count) = (engagement.pointee.attributes, engagement.pointee.n_attributes)
    }
    for index in 0..<count {
      let attribute = try #require(found?[index])
      attributes[String(cString: attribute.pointee.name)] = Self.value(attribute.pointee)
    }
  }

  private static func value(_ attribute: Tally__Attribute) -> Value {
    switch attribute.value_case {
    case TALLY__ATTRIBUTE__VALUE_BOOL_VALUE: .flag(attribute.bool_value != 0)
    case TALLY__ATTRIBUTE__VALUE_INT_VALUE: .integer(attribute.int_value)
    case TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE: .real(attribute.double_value)
    case TALLY__ATTRIBUTE__VALUE_STRING_VALUE: .text(String(cString: attribute.string_value))
    default: .null
    }
  }
}
