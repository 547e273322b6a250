import XGBoost

/// Model files: the first byte tells the form (even: JSON, odd: UBJSON), the rest is the file.
///
/// What loads is evaluated with every kernel, by one row and by many, and must give the bits of a walk down the trees; it is
/// explained with every kernel, too, with the same bits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzModel(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start, count > 0 else { return 0 }
  let bytes = [UInt8](UnsafeBufferPointer(start: start + 1, count: count - 1))
  let name = start[0] & 1 == 0 ? "fuzz.json" : "fuzz.ubj"
  guard let ensemble = try? TreeEnsemble(bytes: bytes, name: name) else { return 0 }
  ModelTrial(ensemble)?.run()
  return 0
}
