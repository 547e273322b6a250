import Dataflow
package import Pipeline

/// Records alone: there are no states to look through, and a new life begins with another group.
extension OffsetStore: StateSurvey {
  package func forEachState(
    _ body: (_ partition: Int32, _ entityID: [UInt8], _ state: UnsafeRawBufferPointer) throws -> Void
  ) throws {}
  package func generations() throws -> [UInt64: (records: Int, states: Int)] { [:] }
  package func removeGeneration() throws {}
}
