import Dataflow

/// What happened in a run, for readers.
final class History {
  private(set) var lines: [String] = []

  func add(_ now: Int64, _ text: String) {
    let milliseconds = now / 1000
    let micros = String(now % 1000 + 1000).dropFirst()
    lines.append("\(milliseconds).\(micros) ms  \(text)")
  }
}

extension World {
  /// A call, with the fault that befalls it.
  func note(_ life: Life, _ call: Call, _ detail: () -> String, fault: FaultKind?) {
    guard let history else { return }
    if call.name == "poll", fault == nil { return }
    let more = detail()
    history.add(
      now,
      "#\(steps) \(life.name): \(call.name)\(more.isEmpty ? "" : " \(more)")"
        + (fault.map { "  <== FAULT \($0.rawValue)" } ?? ""))
  }

  /// What a poll gave.
  func note(_ life: Life, _ name: String, _ batch: RecordBatch) {
    guard let history, !batch.records.isEmpty else { return }
    history.add(
      now,
      "\(life.name): \(name) gave \(batch.records.map { "\($0.partition)/\($0.offset)" }.joined(separator: " "))"
    )
  }

  /// Something that happens outside of calls.
  func remark(_ text: @autoclosure () -> String) { history?.add(now, text()) }
}
