/// A value of a record where a reader has found it: a text lies in the record or the reader, not in a batch.
public struct FoundValue: BitwiseCopyable {
  /// What it is.
  public var kind: AttributeKind
  /// As `Attribute.bits`.
  public var bits: UInt64
  /// Of a text its bytes; else nothing.
  public var text: UnsafeRawBufferPointer

  /// A value.
  @inlinable
  public init(kind: AttributeKind, bits: UInt64, text: UnsafeRawBufferPointer) {
    self.kind = kind
    self.bits = bits
    self.text = text
  }

  /// What an attribute of a batch holds; valid until something is added to the batch. A list's bytes are in none.
  @inlinable
  public init(_ attribute: Attribute, in batch: EventBatch) {
    kind = attribute.kind
    bits = attribute.bits
    text =
      attribute.kind == .text
      ? batch.withBytes(of: attribute.text) { $0 } : UnsafeRawBufferPointer(start: nil, count: 0)
  }
}
