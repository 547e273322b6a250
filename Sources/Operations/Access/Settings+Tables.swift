import Dataflow
package import Configuration
package import Tables

extension Settings {
  /// The letters of a pipeline's table. Throws `Failure` when there is no table.
  package func deadLetterTable(_ pipeline: LoadedPipeline) throws -> DeadLetterTable {
    switch table {
    case .none:
      throw Failure(
        "letters are kept in the table, and this pipeline has none; they are in the topic \(deadLettersTopic): "
          + "kcat -C -b \(brokers) -t \(deadLettersTopic) -o beginning -e", reason: .notFound)
    case .sqlite(let path):
      return try DeadLetterTable(sqlite: path, pipeline: pipeline.declaration.name, topic: topic)
    case .postgres(let connection):
      return try DeadLetterTable(
        postgres: postgres(connection), pipeline: pipeline.declaration.name,
        topic: topic)
    }
  }
}
