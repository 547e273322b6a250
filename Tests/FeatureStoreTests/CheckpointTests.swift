import Dataflow
import FeatureStore
import Foundation
import Testing

@Suite("Checkpoint of a replay") struct CheckpointTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/tally-checkpoint-\(UUID().uuidString)"
  private var path: String { folder + "/run.checkpoint" }

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  private func write(_ partition: Int32, _ expected: [UInt8], _ record: [UInt8]) -> StateWrite {
    var write = StateWrite()
    write.partition = partition
    write.expected = expected
    write.record = record
    return write
  }

  @Test("records move by compare-and-set, and are there for whoever opens the file next")
  func compareAndSet() throws {
    let file = CheckpointFile(path)
    let (one, two) = (CheckpointStore(file), CheckpointStore(file))
    #expect(try one.records([0, 3]) == [nil, nil])
    #expect(try one.write(write(3, [], [1, 2])) == .written)
    #expect(try two.write(write(3, [], [9])) == .conflict)
    #expect(try two.write(write(3, [], [1, 2])) == .alreadyWritten)
    #expect(try two.write(write(3, [1, 2], [0xff, 0])) == .written)
    #expect(try two.write(write(0, [], [7])) == .written)
    #expect(try one.records([0, 3]) == [[7], [0xff, 0]])
    #expect(try CheckpointStore(CheckpointFile(path)).records([0, 1, 3]) == [[7], nil, [0xff, 0]])
    #expect(try one.clear(3, whileRecordIs: [0xff, 0]) && !one.clear(3, whileRecordIs: [1]))
    #expect(!FileManager.default.fileExists(atPath: path + ".new"))
    try one.removeGeneration()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test("what a crash has left of a write is passed over")
  func half() throws {
    #expect(try CheckpointStore(CheckpointFile(path)).write(write(0, [], [5])) == .written)
    try Data("tally che".utf8).write(to: URL(fileURLWithPath: path + ".new"))
    let again = CheckpointStore(CheckpointFile(path))
    #expect(try again.records([0]) == [[5]])
    #expect(try again.write(write(0, [5], [6])) == .written)
    #expect(try CheckpointStore(CheckpointFile(path)).records([0]) == [[6]])
  }

  @Test("a checkpoint with another byte, one too few or one too many is refused") func changed() throws {
    #expect(try CheckpointStore(CheckpointFile(path)).write(write(0, [], [5, 0x80])) == .written)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var all = whole.indices.map { Array(whole[..<$0]) } + [whole + whole]
    for index in whole.indices {
      var other = whole
      other[index] ^= 1
      all.append(other)
    }
    for bytes in all {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(throws: PortError.self) { _ = try CheckpointStore(CheckpointFile(path)).records([0]) }
    }
  }

  @Test(
    "what is no checkpoint is refused",
    arguments: [
      "", "something else\n", "tally checkpoint 1\n0\n", "tally checkpoint 1\n0 abc\n",
      "tally checkpoint 1\nx ab\n",
    ])
  func damaged(text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    #expect {
      _ = try CheckpointStore(CheckpointFile(path)).records([0])
    } throws: {
      ($0 as? PortError)?.reason == .corruptState
    }
  }

  @Test("one process works on a run at a time")
  func oneOwner() throws {
    // A descriptor of its own stands for a process of its own.
    var first: CheckpointFile? = CheckpointFile(path)
    try first?.lockForWriting()
    #expect {
      try CheckpointFile(path).lockForWriting()
    } throws: {
      ($0 as? PortError)?.reason == .twoOwners
    }
    #expect(throws: PortError.self) { try CheckpointStore(CheckpointFile(path)).removeGeneration() }
    first = nil
    try CheckpointFile(path).lockForWriting()
  }
}
