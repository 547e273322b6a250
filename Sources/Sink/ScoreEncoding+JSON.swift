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
        pair(index == 0 ? "{\"name\":" : ",{\"name\":", context.outputNames[index], &out)
        out.append(raw: ",\"value\":")
      }
      let tail = piece { out in
        pair(",\"model\":", context.modelNames[index], &out)
        pair(",\"model_version\":", context.modelVersions[index], &out)
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
    bytes.removeAll(keepingCapacity: true)
    pieces.append(frame[0], to: &bytes)
    bytes.append(raw: ",\"entity_id\":")
    batch.events.withBytes(of: event.entityID) { bytes.append(json: $0) }
    bytes.append(raw: ",\"event_id\":")
    batch.events.withBytes(of: event.eventID) { bytes.append(json: $0) }
    bytes.append(raw: ",\"event_time_us\":")
    bytes.append(decimal: event.time)
    bytes.append(raw: ",\"as_of_us\":")
    bytes.append(decimal: row.asOf)
    pieces.append(frame[1], to: &bytes)
    bytes.append(raw: ",\"partition\":")
    bytes.append(decimal: Int64(record.partition))
    bytes.append(raw: ",\"offset\":")
    bytes.append(decimal: record.offset)
    pieces.append(frame[2], to: &bytes)
    bytes.append(raw: ",\"outputs\":[")
    let values = batch.outputs.row(index)
    for (column, output) in outputs.enumerated() {
      pieces.append(output.head, to: &bytes)
      bytes.append(shortest: values[column])
      pieces.append(output.tail, to: &bytes)
    }
    bytes.append(raw: "],\"decisions\":[")
    var isFirst = true
    for column in decisions.indices {
      guard let piece = decisionPiece(column, index, batch) else { continue }
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      pieces.append(piece, to: &bytes)
    }
    bytes.append(raw: "]}")
  }
}
