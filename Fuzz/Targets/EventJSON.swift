import Dataflow

private nonisolated(unsafe) let trial = EventTrial()

/// Records in JSON: a dead letter of which nothing stays, or an event within all bounds; see `EventTrial`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  require(trial != nil, "the program does not compile")
  trial?.run(start, count, .json)
  return 0
}
