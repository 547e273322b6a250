/// A failed operation of something outside: what to do about it, and what it was.
public struct PortError: Error, Sendable, CustomStringConvertible {
  /// What the caller should do.
  public enum Code: String, Sendable {
    /// Try again later: a connection or a server is down or slow.
    case unavailable
    /// Trying again will not help: credentials, permissions, a limit, a corrupt answer.
    case refused
    /// The program or its configuration is at fault.
    case misuse

    fileprivate var reason: ErrorReason {
      switch self {
      case .unavailable: .unavailable
      case .refused: .refused
      case .misuse: .internalFault
      }
    }
  }

  /// What to do.
  public var code: Code
  /// Why, by name.
  public var reason: ErrorReason
  /// What failed, without secrets or personal data: "redis 127.0.0.1:6379: MGET".
  public var detail: String
  /// The other side's words, if any, without secrets or personal data.
  public var cause: String
  /// Whether one record's data may be what was refused, rather than the operation.
  public var mayConcernData = false

  /// An error; without a reason of its own it has the one that says no more than `code`.
  public init(_ code: Code, _ detail: String, cause: String = "", reason: ErrorReason? = nil) {
    self.code = code
    self.reason = reason ?? code.reason
    self.detail = detail
    self.cause = cause
  }

  /// `detail: cause`.
  public var description: String { cause.isEmpty ? detail : "\(detail): \(cause)" }
}
