import Dataflow

private nonisolated(unsafe) let trial = EventTrial()

/// Records in protobuf: a dead letter of which nothing stays, or an event within all bounds (see `EventTrial`), and in both
/// cases what protobuf-c makes of the bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventProtobuf(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  require(trial != nil, "the program does not compile")
  guard let trial, let (record, reason) = trial.run(start, count, .protobuf) else { return 0 }
  if record.contentType == .protobuf, record.value.first != 0 {
    EventOracle(trial).check(record.value, reason)
  }
  return 0
}
