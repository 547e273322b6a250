import Dataflow
import Events

extension ScoreEncoder {
  func prepareJSON(_ context: ScoreContext) {
    func piece(_ build: (inout [UInt8]) -> Void) -> Int {
      var out: [UInt8] = []
      build(&out)
      return pieces.add(out)
    }
    func pair(_ name: StaticString, _ value: String, _ out: inout [UInt8]) {
      out.append(raw: name)
      out.append(json: value)
    }
    frame = [
      piece { pair("{\"pipeline\":", context.pipeline, &$0) },
      piece { pair(",\"topic\":", context.topic, &$0) },
      piece { pair(",\"definition\":", context.definition, &$0) },
    ]
    for index in context.outputNames.indices {
      let head = piece { out in
        pair("{\"name\":", context.outputNames[index], &out)
        out.append(raw: ",\"value\":")
      }
      let tail = piece { out in
        if !context.modelNames[index].isEmpty {
          pair(",\"model\":", context.modelNames[index], &out)
          pair(",\"model_version\":", context.modelVersions[index], &out)
        }
        out.append(UInt8(ascii: "}"))
      }
      outputs.append((head, tail))
    }
    for (name, labels) in zip(context.decisionNames, context.decisionLabels) {
      let count = labels.isEmpty ? 2 : labels.count
      decisions.append((pieces.count, count))
      for code in 0..<count {
        _ = piece { out in
          pair("{\"name\":", name, &out)
          if labels.isEmpty {
            out.append(raw: code == 1 ? ",\"triggered\":true}" : ",\"triggered\":false}")
          } else {
            pair(",\"label\":", labels[code], &out)
            out.append(UInt8(ascii: "}"))
          }
        }
      }
    }
  }

  func encodeJSON(
    _ row: ScoredRow, _ index: Int, _ record: RawRecord, _ event: Event, _ batch: ScoredBatch
  ) {
    // A local array: a class's property would be checked for exclusive access at every byte.
    var out: [UInt8] = []
    swap(&out, &bytes)
    defer { swap(&out, &bytes) }
    out.empty()
    pieces.append(frame[0], to: &out)
    out.append(raw: ",\"entity_id\":")
    batch.events.withBytes(of: event.entityID) { out.append(json: $0) }
    out.append(raw: ",\"event_id\":")
    batch.events.withBytes(of: event.eventID) { out.append(json: $0) }
    out.append(raw: ",\"event_time_us\":")
    out.append(decimal: event.time)
    out.append(raw: ",\"as_of_us\":")
    out.append(decimal: row.asOf)
    pieces.append(frame[1], to: &out)
    out.append(raw: ",\"partition\":")
    out.append(decimal: Int64(record.partition))
    out.append(raw: ",\"offset\":")
    out.append(decimal: record.offset)
    pieces.append(frame[2], to: &out)
    out.append(raw: ",\"outputs\":[")
    let values = batch.outputs.row(index)
    var isFirst = true
    for (column, output) in outputs.enumerated() where !values[column].isNaN {
      if !isFirst { out.append(UInt8(ascii: ",")) }
      isFirst = false
      pieces.append(output.head, to: &out)
      out.append(shortest: values[column])
      pieces.append(output.tail, to: &out)
    }
    out.append(raw: "],\"decisions\":[")
    isFirst = true
    for column in decisions.indices {
      guard let piece = decisionPiece(column, index, batch) else { continue }
      if !isFirst { out.append(UInt8(ascii: ",")) }
      isFirst = false
      pieces.append(piece, to: &out)
    }
    out.append(raw: "]}")
  }
}
