import Events

/// Confluent's Schema Registry framing of a value. Row code.
///
/// A zero byte, the schema's id in 4 bytes (big-endian; not looked up), then for protobuf the path of the message in its
/// schema: the number of indexes and the indexes, as zigzag varints, or one zero byte for the first message. Clients of
/// old wrote the varints without zigzag: 1, 0 is the first message too, since as zigzag it would be −1. JSON has no
/// path. Neither JSON nor protobuf itself begins with a zero byte.
/// (docs.confluent.io, Schema Registry, "Wire format".)
public enum ConfluentFrame {
  /// Nothing of a frame: the value is the message itself.
  case none
  /// The message: protobuf when it does not begin with "{".
  case message(UnsafeRawBufferPointer)
  /// A frame whose message is not the schema's first one.
  case otherMessage
  /// A frame that is cut off.
  case malformed

  private static let headBytes = 5
  /// Indexes of a path, at most: a sane bound on nested messages.
  private static let indexesMax: Int64 = 16

  /// Looks at a value.
  public init(_ value: UnsafeRawBufferPointer) {
    guard value.first == 0 else {
      self = .none
      return
    }
    guard value.count > Self.headBytes else {
      self = .malformed
      return
    }
    let body = UnsafeRawBufferPointer(rebasing: value[Self.headBytes...])
    if body[0] == UInt8(ascii: "{") {
      self = .message(body)
    } else if body[0] == 0 {
      self = .message(UnsafeRawBufferPointer(rebasing: body[1...]))
    } else if body[0] == 1, body.count > 1, body[1] == 0 {
      self = .message(UnsafeRawBufferPointer(rebasing: body[2...]))
    } else {
      self = Self.path(body)
    }
  }

  /// A value without the head of a frame, where it can be JSON only: that has no path.
  static func json(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard value.count > headBytes, value[0] == 0 else { return value }
    return UnsafeRawBufferPointer(rebasing: value[headBytes...])
  }

  /// The schema's id in the registry, as a frame's head has it; nil: the value is no frame.
  public static func schemaID(of value: UnsafeRawBufferPointer) -> UInt32? {
    guard value.first == 0, value.count > headBytes else { return nil }
    return value[1..<headBytes].reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func path(_ body: UnsafeRawBufferPointer) -> ConfluentFrame {
    var at = 0
    guard let count = zigzag(body, &at), count > 0, count <= indexesMax else { return .malformed }
    var isFirst = count == 1
    for _ in 0..<count {
      guard let index = zigzag(body, &at), index >= 0 else { return .malformed }
      if index != 0 { isFirst = false }
    }
    return isFirst ? .message(UnsafeRawBufferPointer(rebasing: body[at...])) : .otherMessage
  }

  /// A zigzag varint of at most 5 bytes; nil: cut off or longer.
  private static func zigzag(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < bytes.count, shift < 35 {
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return Int64(value >> 1) ^ -Int64(value & 1) }
      shift += 7
    }
    return nil
  }
}
