public import Dataflow
internal import Events
public import Registry

extension TrainingSet {
  /// What a model learns of and is measured on, as a registry keeps it; nil: its label is not here.
  ///
  /// The rows held back count with entity, moments and label alone, so that models of other features can be compared on them.
  public func dataSet(for model: ModelDeclaration, options: TrainingOptions) -> VersionMetadata.DataSet? {
    let label =
      model.kind == .anomaly
      ? nil
      : model.label.flatMap { name in
        labelNames.firstIndex { $0.utf8.elementsEqual(name.utf8) }
      }
    guard label != nil || model.kind == .anomaly else { return nil }
    let split = split(
      label: label, heldBackShare: options.heldBackShare, seed: options.seed, time: options.timeSplit)
    return VersionMetadata.DataSet(
      digest: digest(split.training, label: label, hasFeatures: true),
      heldBackDigest: digest(split.heldBack, label: label, hasFeatures: false), rows: split.training.count,
      heldBackRows: split.heldBack.count)
  }

  /// 32 hex digits of rows in their order.
  private func digest(_ selection: [Int], label: Int?, hasFeatures: Bool) -> String {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(selection.count * 6)
    for index in selection {
      let row = rows[index]
      hashes += [
        row.entity.low, row.entity.high, UInt64(bitPattern: row.asOf), UInt64(bitPattern: row.labelTime),
        UInt64(label.map { labels.row(index)[$0].bitPattern } ?? 0),
      ]
      if hasFeatures {
        let cells = UnsafeBufferPointer(start: features.row(index), count: columnNames.count)
        hashes.append(Hash128(of: UnsafeRawBufferPointer(cells)).low)
      }
    }
    return hashes.withUnsafeBytes { Hash128(of: $0) }.hex
  }
}
