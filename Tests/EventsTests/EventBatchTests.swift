import Testing

@testable import Events

@Suite struct EventBatchTests {
  private let symbols = SymbolTable()

  private func slice(_ batch: EventBatch, _ text: String) -> ByteSlice {
    var copy = text
    return copy.withUTF8 { batch.append(UnsafeRawBufferPointer($0)) }
  }

  private func attribute(_ batch: EventBatch, _ name: String, text: String) {
    var copy = name
    var value = text
    copy.withUTF8 { name in
      value.withUTF8 { text in
        batch.appendAttribute(
          name: UnsafeRawBufferPointer(name), kind: .text, bits: 0, text: UnsafeRawBufferPointer(text))
      }
    }
  }

  private func commit(_ batch: EventBatch, id: String, time: EventTime = 5) -> Event {
    let eventID = slice(batch, id)
    let entityID = slice(batch, "c1")
    let index = batch.commit(
      kind: .engagement, type: 3, eventID: eventID, entityID: entityID, source: .empty, time: time)
    return batch.events[index]
  }

  @Test("an event keeps its bytes, attributes and the hash of its id")
  func commitKeeps() {
    let device = symbols.intern("device")
    let mobile = symbols.intern("mobile")
    let batch = EventBatch(symbols: symbols)
    batch.begin()
    attribute(batch, "device", text: "mobile")
    attribute(batch, "unheard-of", text: "dropped")
    attribute(batch, "device", text: "watch")
    let event = commit(batch, id: "e1", time: 77)
    #expect(batch.string(event.eventID) == "e1")
    #expect(batch.string(event.entityID) == "c1")
    #expect(batch.string(event.source) == "")
    #expect(event.idHash == Hash128(of: "e1"))
    #expect(event.time == 77 && event.type == 3)
    #expect(event.attributesCount == 2)
    #expect(batch.attributes.map(\.name) == [device, device])
    #expect(batch.attributes.map(\.symbol) == [mobile, SymbolTable.unknown])
    #expect(batch.attributes.map { batch.string($0.text) } == ["mobile", "watch"])
  }

  @Test("begin forgets what was not committed")
  func beginForgets() {
    _ = symbols.intern("device")
    let batch = EventBatch(symbols: symbols)
    batch.begin()
    attribute(batch, "device", text: "one")
    let first = commit(batch, id: "e1")
    let size = batch.bytes.count
    batch.begin()
    attribute(batch, "device", text: "half an event")
    _ = slice(batch, "more of it")
    batch.begin()
    #expect(batch.bytes.count == size)
    #expect(batch.attributes.count == 1)
    attribute(batch, "device", text: "two")
    let second = commit(batch, id: "e2")
    #expect(batch.events.count == 2)
    #expect(second.attributesStart == 1 && second.attributesCount == 1)
    #expect(batch.string(batch.attributes[1].text) == "two")
    #expect(batch.string(first.eventID) == "e1" && batch.string(second.eventID) == "e2")
  }

  @Test("removeAll forgets everything and keeps the symbols")
  func removeAll() {
    _ = symbols.intern("device")
    let batch = EventBatch(symbols: symbols)
    batch.begin()
    attribute(batch, "device", text: "one")
    _ = commit(batch, id: "e1")
    batch.removeAll()
    #expect(batch.events.isEmpty && batch.attributes.isEmpty && batch.bytes.isEmpty)
    batch.begin()
    attribute(batch, "device", text: "two")
    let event = commit(batch, id: "e2")
    #expect(event.attributesStart == 0 && event.attributesCount == 1)
    #expect(batch.string(event.eventID) == "e2")
  }
}

@Suite struct ReasonTests {
  @Test("every reason has its own stable code and index")
  func reasons() {
    #expect(Set(DeadLetterReason.allCases.map(\.rawValue)).count == DeadLetterReason.count)
    for (index, reason) in DeadLetterReason.allCases.enumerated() {
      #expect(reason.index == index)
      #expect(reason.rawValue.allSatisfy { $0.isLowercase || $0 == "-" || $0.isNumber })
    }
  }
}
