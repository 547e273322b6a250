/// How the sink topics' values are written; both have the shape of proto/scores.proto.
public enum TopicEncoding: String, CaseIterable, Sendable {
  /// JSON: int64 as numbers, bytes as base64 (null where there were none), NaN and infinity as null.
  case json
  /// Protobuf.
  case protobuf

  /// Value of the `content-type` header.
  public var contentType: StaticString {
    switch self {
    case .json: "application/json"
    case .protobuf: "application/x-protobuf"
    }
  }
}
