import Dataflow
import Events

private nonisolated(unsafe) let trial = EventTrial()

/// Records in Confluent's framing: a dead letter of which nothing stays, or an event within all bounds (see `EventTrial`); and
/// a value in a frame is judged as it is without one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventConfluent(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  require(trial != nil, "the program does not compile")
  guard let trial, let (record, _) = trial.run(start, count, .unspecified) else { return 0 }
  guard let first = record.value.first, first != 0 else { return 0 }
  // JSON has no path in its frame.
  let isJSON = first == UInt8(ascii: "{")
  let framed = [0, 0, 0, 1, 2] + (isJSON ? [] : [0]) + record.value
  trial.batch.removeAll()
  let alone = trial.decode(record.value, isJSON ? .json : .protobuf)
  let inFrame = framed.withUnsafeBytes { trial.decode($0, .unspecified) }
  require(alone == inFrame, "\(String(describing: alone)), framed \(String(describing: inFrame))")
  if alone == nil {
    require(trial.isSame(trial.batch.events[0], trial.batch.events[1]), "another event in a frame")
  }
  return 0
}
