import Dataflow
import Events

extension ScoreEncoder {
  func prepareProtobuf(_ context: ScoreContext) {
    func fields(_ build: (inout WireWriter) -> Void) -> Int {
      var writer = WireWriter()
      build(&writer)
      return pieces.add(writer.bytes)
    }
    func text(_ number: Int, _ value: String, _ writer: inout WireWriter) {
      if !value.utf8.isEmpty { writer.field(number, string: value) }
    }
    frame = [
      fields { text(1, context.pipeline, &$0) }, fields { text(6, context.topic, &$0) },
      fields { text(9, context.definition, &$0) },
    ]
    for index in context.outputNames.indices {
      outputs.append(
        (
          fields { text(1, context.outputNames[index], &$0) },
          fields { writer in
            text(3, context.modelNames[index], &writer)
            text(4, context.modelVersions[index], &writer)
          }
        ))
    }
    for (name, labels) in zip(context.decisionNames, context.decisionLabels) {
      let count = labels.isEmpty ? 2 : labels.count
      decisions.append((pieces.count, count))
      for code in 0..<count {
        _ = fields { writer in
          let mark = writer.open(11)
          text(1, name, &writer)
          // A member of a oneof is written even when it is empty or false.
          if labels.isEmpty {
            writer.field(3, varint: UInt64(code))
          } else {
            writer.field(2, string: labels[code])
          }
          writer.close(mark)
        }
      }
    }
  }

  func encodeProtobuf(
    _ row: ScoredRow, _ index: Int, _ record: RawRecord, _ event: Event, _ batch: ScoredBatch
  ) {
    // A local writer: a class's property would be checked for exclusive access at every byte.
    var writer = WireWriter()
    swap(&writer.bytes, &bytes)
    writer.removeAll()
    pieces.append(frame[0], to: &writer.bytes)
    batch.events.withBytes(of: event.entityID) { writer.field(2, bytes: $0) }
    batch.events.withBytes(of: event.eventID) { writer.field(3, bytes: $0) }
    writer.field(4, varint: UInt64(bitPattern: event.time))
    writer.field(5, varint: UInt64(bitPattern: row.asOf))
    pieces.append(frame[1], to: &writer.bytes)
    if record.partition != 0 { writer.field(7, varint: UInt64(bitPattern: Int64(record.partition))) }
    if record.offset != 0 { writer.field(8, varint: UInt64(bitPattern: record.offset)) }
    pieces.append(frame[2], to: &writer.bytes)
    let values = batch.outputs.row(index)
    for (column, output) in outputs.enumerated() where !values[column].isNaN {
      let value = values[column]
      let valueBytes = value.bitPattern == 0 ? 0 : Self.floatFieldBytes
      writer.varint(Self.outputTag)
      writer.varint(UInt64(pieces.size(output.head) + valueBytes + pieces.size(output.tail)))
      pieces.append(output.head, to: &writer.bytes)
      if valueBytes > 0 { writer.field(2, float: value) }
      pieces.append(output.tail, to: &writer.bytes)
    }
    for column in decisions.indices {
      if let piece = decisionPiece(column, index, batch) { pieces.append(piece, to: &writer.bytes) }
    }
    swap(&writer.bytes, &bytes)
  }

  /// Tag of `outputs`: field 10, length-delimited.
  private static let outputTag: UInt64 = 10 << 3 | 2
  /// One byte of tag and four of value.
  private static let floatFieldBytes = 5
}
