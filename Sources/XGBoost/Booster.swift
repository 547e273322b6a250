internal import CXGBoost
internal import Foundation

/// A model file's form.
public enum ModelFormat: String, Sendable {
  /// XGBoost's JSON, `.json`.
  case json
  /// XGBoost's Universal Binary JSON, `.ubj`.
  case ubj

  /// The form that a path's ending names; nil: neither.
  public init?(path: String) {
    if path.hasSuffix(".json") {
      self = .json
    } else if path.hasSuffix(".ubj") {
      self = .ubj
    } else {
      return nil
    }
  }
}

/// A gradient-boosted tree model in libxgboost.
///
/// Owns its handle and the scratch of its predictions; one thread at a time.
public struct Booster: ~Copyable {
  /// The library's handle; never a matrix', though both are `void *` in C.
  let handle: BoosterHandle
  /// A DMatrix without data that predictions point at the caller's rows: making one anew for each call doubles
  /// the call's fixed cost (11 µs with it, 19 µs without, one row and four small trees).
  let proxy: DMatrixHandle
  /// The array interface of a prediction's rows, written anew for each call.
  let interface: UnsafeMutablePointer<CChar>

  /// Takes a handle over.
  init(owning made: BoosterHandle) throws(XGBoostError) {
    var proxy: DMatrixHandle?
    guard XGProxyDMatrixCreate(&proxy) == 0, let proxy else {
      let error = XGBoostError.last("make proxy")
      XGBoosterFree(made)
      throw error
    }
    handle = made
    self.proxy = proxy
    interface = .allocate(capacity: Self.interfaceBytesMax)
  }

  /// What an ensemble says, in the library: to check other evaluations against. An objective that the library does not
  /// know gives margins.
  ///
  /// There is no other way for a file into the library: version 1.7.4 dies of some.
  public init(reference ensemble: TreeEnsemble, threads: Int = 1) throws(XGBoostError) {
    self = try Self.loaded(
      ReferenceModel(ensemble).bytes, operation: "load reference", threads: threads)
  }

  private static func loaded(
    _ bytes: [UInt8], operation: String, threads: Int
  ) throws(XGBoostError) -> Booster {
    let booster = try Booster(owning: create([]))
    let code = bytes.withUnsafeBytes {
      XGBoosterLoadModelFromBuffer(booster.handle, $0.baseAddress, bst_ulong($0.count))
    }
    try check(code, operation)
    try booster.setParameter("nthread", String(threads))
    try booster.setParameter("verbosity", "0")
    return booster
  }

  /// The model as the bytes of a file.
  public func serialized(_ format: ModelFormat) throws(XGBoostError) -> [UInt8] {
    var count: bst_ulong = 0
    var bytes: UnsafePointer<CChar>?
    let config = "{\"format\":\"\(format.rawValue)\"}"
    try check(XGBoosterSaveModelToBuffer(handle, config, &count, &bytes), "save model")
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(count)))
  }

  /// Saves the model to a `.json` or `.ubj` file; throws an error that names the file. Not atomic.
  public func save(path: String) throws(XGBoostError) {
    guard let format = ModelFormat(path: path) else {
      throw XGBoostError(operation: "save \(path)", cause: "the name ends neither in .json nor in .ubj")
    }
    let bytes = try serialized(format)
    guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
      throw XGBoostError(operation: "save \(path)", cause: "the file cannot be written")
    }
  }

  /// A copy with the trees of the first `rounds` rounds only.
  ///
  /// The attributes `best_iteration` and `best_score` do not survive.
  public func limited(toRounds rounds: Int) throws(XGBoostError) -> Booster {
    var slice: BoosterHandle?
    try check(XGBoosterSlice(handle, 0, CInt(clamping: rounds), 1, &slice), "limit model to \(rounds) rounds")
    guard let slice else { throw XGBoostError(operation: "limit model", cause: "no handle") }
    return try Booster(owning: slice)
  }

  /// Sets a parameter of the library, such as "nthread".
  public func setParameter(_ name: String, _ value: String) throws(XGBoostError) {
    try check(XGBoosterSetParam(handle, name, value), "set parameter \(name)")
  }

  /// An empty model whose training will use these matrices.
  static func create(_ matrices: [DMatrixHandle?]) throws(XGBoostError) -> BoosterHandle {
    var made: BoosterHandle?
    let code = matrices.withUnsafeBufferPointer {
      XGBoosterCreate($0.baseAddress, bst_ulong($0.count), &made)
    }
    try check(code, "make model")
    guard let made else { throw XGBoostError(operation: "make model", cause: "no handle") }
    return made
  }

  deinit {
    XGBoosterFree(handle)
    XGDMatrixFree(proxy)
    interface.deallocate()
  }
}
