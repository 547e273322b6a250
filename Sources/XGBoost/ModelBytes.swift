/// Reads the bytes of a model file, and nothing that is not a model.
///
/// libxgboost trusts its files: nesting ends its stack, a child or a feature outside its array is read all the same, a
/// tree that is its own descendant never ends. All of that is refused here.
enum ModelBytes {
  /// More columns than any pipeline has.
  static let featuresMax = 1 << 16
  /// More outputs a row than any pipeline has.
  static let groupsMax = 1 << 12

  /// The ensemble in a file's bytes; throws why not.
  static func ensemble(
    _ bytes: [UInt8], _ format: ModelFormat, _ reading: ModelReading
  ) throws(ModelFormatError) -> TreeEnsemble {
    guard !bytes.isEmpty else { throw ModelFormatError(text: "the file is empty") }
    return try EnsembleReader.read(try document(bytes, format), reading)
  }

  private static func document(_ bytes: [UInt8], _ format: ModelFormat) throws(ModelFormatError) -> ModelValue
  {
    switch format {
    case .json:
      try (bytes + [0]).withUnsafeBufferPointer {
        (all: UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> ModelValue in
        try JSONModelReader.read(zeroTerminated: all)
      }
    case .ubj:
      try bytes.withUnsafeBufferPointer {
        (all: UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> ModelValue in
        try UBJSONModelReader.read(UnsafeRawBufferPointer(all))
      }
    }
  }
}
