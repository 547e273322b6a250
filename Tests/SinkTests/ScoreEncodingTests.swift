import CEvents
import Dataflow
import Events
import Foundation
import Sink
import Testing

@Suite("Encoded scores") struct ScoreEncodingTests {
  @Test("in protobuf are byte for byte what protobuf-c packs") func protobuf() throws {
    let batch = TopicSamples.batch(rows: 200)
    let encoder = ScoreEncoder(batch.context, encoding: .protobuf)
    for index in 0..<200 {
      encoder.encodeScore(index, of: batch)
      let read = try #require(ReadScore(encoder.bytes))
      #expect(read.packed == encoder.bytes, "row \(index)")
      #expect(read.pipeline == "engagement" && read.topic == "events")
      #expect(read.entityID == "c\(index)" && read.eventID == "e\(index)\n\"é")
      #expect(read.time == 1_767_225_600_000_000 + Int64(index))
      #expect(read.asOf == 1_767_225_600_000_000 + Int64(index) * 7)
      #expect(read.partition == 3 && read.offset == Int64(index) * 1000)
      #expect(read.definition == batch.context.definition)
      // A value that is missing is not there.
      let values = [batch.outputs.row(index)[0], batch.outputs.row(index)[1]]
      let there = values.indices.filter { !values[$0].isNaN }
      #expect(read.names == there.map { batch.context.outputNames[$0] })
      #expect(read.values.map(\.bitPattern) == there.map { values[$0].bitPattern })
      #expect(read.models == there.map { ["engagement@v1", "churn@v2"][$0] })
      #expect(
        read.decisions == [
          "category=\(["low", "medium", "hi\"gh"][index % 3])", "intervene=\(index % 2 == 1)",
        ])
    }
  }

  @Test("in JSON have the shape of the contract") func json() throws {
    let batch = TopicSamples.batch(rows: 3)
    let encoder = ScoreEncoder(batch.context, encoding: .json)
    encoder.encodeScore(1, of: batch)
    #expect(
      String(decoding: encoder.bytes, as: UTF8.self)
        == #"{"pipeline":"engagement","entity_id":"c1","event_id":"e1\n\"é","event_time_us":1767225600000001,"#
        + #""as_of_us":1767225600000007,"topic":"events","partition":3,"offset":1000,"#
        + #""definition":"0123456789abcdef0123456789abcdef","outputs":["#
        + #"{"name":"engagement_score","value":0.125,"model":"engagement","model_version":"v1"},"#
        + #"{"name":"churn \"risk\"","value":-0.33333334,"model":"churn","model_version":"v2"}],"#
        + #""decisions":[{"name":"category","label":"medium"},{"name":"intervene","triggered":true}]}"#)
    encoder.encodeScore(2, of: batch)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(encoder.bytes)) as? [String: Any])
    let outputs = try #require(object["outputs"] as? [[String: Any]])
    // A number that JSON does not have is null, a missing one is not there.
    #expect(outputs.map { $0["name"] as? String } == ["churn \"risk\""])
    #expect(outputs.allSatisfy { $0["value"] is NSNull })
  }

  @Test("write every float so that it reads back, within 15 bytes") func floats() throws {
    let seed: UInt64 = 4
    var state = seed
    var bits: [UInt32] = [
      0, 1, 0x8000_0000, 0x7f7f_ffff, 0xff7f_ffff, 0x0080_0000, 0x3f80_0000, 0x4b80_0000, 0x4b7f_ffff,
      0xb8d1_b717,
    ]
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bits.append(UInt32(truncatingIfNeeded: state >> 32))
    }
    let context = ScoreContext(
      pipeline: "p", topic: "t", definition: "d", featureNames: [], featureLabels: [], outputNames: ["o"],
      modelNames: ["m"], modelVersions: ["v"], decisionNames: [], decisionLabels: [], tableFeatures: [])
    let batch = TopicSamples.batch(rows: 1, context: context)
    let encoder = ScoreEncoder(context, encoding: .json)
    for pattern in bits {
      let value = Float(bitPattern: pattern)
      guard value.isFinite else { continue }
      batch.outputs.row(0)[0] = value
      encoder.encodeScore(0, of: batch)
      let text = String(decoding: encoder.bytes, as: UTF8.self)
      let start = try #require(text.range(of: "\"value\":")).upperBound
      let end = try #require(text.range(of: ",\"model\":")).lowerBound
      #expect(Float(text[start..<end])?.bitPattern == pattern, "seed \(seed)")
      #expect(text[start..<end].utf8.count <= 15)
    }
  }

  @Test("leave out a decision whose code has no meaning") func decisionCodes() throws {
    let batch = TopicSamples.batch(rows: 1)
    batch.decisions = [-1, 1]
    for encoding in TopicEncoding.allCases {
      let encoder = ScoreEncoder(batch.context, encoding: encoding)
      encoder.encodeScore(0, of: batch)
      if encoding == .protobuf {
        #expect(ReadScore(encoder.bytes)?.decisions == ["intervene=true"])
      } else {
        let text = String(decoding: encoder.bytes, as: UTF8.self)
        #expect(text.hasSuffix(#""decisions":[{"name":"intervene","triggered":true}]}"#))
      }
    }
  }

  @Test("as dead letters carry the record as it came") func deadLetters() throws {
    let batch = TopicSamples.batch(rows: 1)
    let values: [[UInt8]?] = [nil, [], [0], [1, 2], [255, 0, 254], Array(0...255)]
    for value in values { TopicSamples.addLetter(.keyMismatch, key: value, value: value, to: batch) }
    let protobuf = ScoreEncoder(batch.context, encoding: .protobuf)
    let json = ScoreEncoder(batch.context, encoding: .json)
    for (letter, value) in zip(batch.deadLetters, values) {
      protobuf.encodeDeadLetter(letter, of: batch, bytesMax: 1000)
      let read = try #require(tally__dead_letter__unpack(nil, protobuf.bytes.count, protobuf.bytes))
      defer { tally__dead_letter__free_unpacked(read, nil) }
      var packed = [UInt8](repeating: 0, count: tally__dead_letter__get_packed_size(read))
      _ = tally__dead_letter__pack(read, &packed)
      #expect(packed == protobuf.bytes)
      #expect(TopicSamples.text(read.pointee.reason) == "key-mismatch")
      #expect(TopicSamples.text(read.pointee.detail) == "a detail")
      #expect(TopicSamples.text(read.pointee.topic) == "events")
      #expect(read.pointee.partition == 3 && read.pointee.offset == 77)
      #expect(read.pointee.ingest_time_ms == 1_767_225_600_001)
      #expect(
        Array(UnsafeBufferPointer(start: read.pointee.value.data, count: read.pointee.value.len)) == value
          ?? [])

      json.encodeDeadLetter(letter, of: batch, bytesMax: 1000)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
      #expect(object["reason"] as? String == "key-mismatch")
      #expect(object["ingest_time_ms"] as? Int == 1_767_225_600_001)
      for field in ["key", "value"] {
        #expect((object[field] as? String).flatMap { Data(base64Encoded: $0) }.map(Array.init) == value)
      }
    }
  }

  @Test("as dead letters are cut to what a topic takes") func cut() throws {
    let batch = TopicSamples.batch(rows: 1)
    TopicSamples.addLetter(.tooLarge, key: [1, 2, 3], value: Array(repeating: 7, count: 5000), to: batch)
    let encoder = ScoreEncoder(batch.context, encoding: .protobuf)
    encoder.encodeDeadLetter(batch.deadLetters[0], of: batch, bytesMax: 100)
    let read = try #require(tally__dead_letter__unpack(nil, encoder.bytes.count, encoder.bytes))
    defer { tally__dead_letter__free_unpacked(read, nil) }
    #expect(read.pointee.key.len == 3)
    #expect(read.pointee.value.len == 97)
  }
}
