import CSimdjson
import Dataflow
import Events
import Features

extension MappedReader {
  /// Takes a whole profile of a pipeline without states value by value. Returns false, and forgets it, when anything is not as declared.
  func takeProfile(_ batch: EventBatch, _ draft: inout EventDraft) -> Bool {
    let taken = batch.beginProfile(width: program.profileWidth)
    let values = mapped.values!
    let candidates = UnsafePointer(candidates.baseAddress!)
    var count = 0
    for attribute in attributes {
      let place = Self.place(of: attribute, candidates, values)
      guard place >= 0 else { continue }
      count += 1
      // One that only events have is undeclared here, which is counted by name.
      guard attribute.plan >= 0 else {
        batch.forgetProfile()
        return false
      }
      let isTaken =
        attribute.isList && values[place].kind == TALLY_JSON_ARRAY.rawValue
        ? takeList(values + place, attribute, into: taken)
        : program.take(FoundValue(values[place]), plan: attribute.plan, into: taken)
      guard isTaken else {
        batch.forgetProfile()
        return false
      }
    }
    draft.attributesTotal += count
    return true
  }

  private func takeList(
    _ list: UnsafePointer<tally_json_value>, _ attribute: FlatAttribute,
    into taken: UnsafeMutablePointer<Double>
  ) -> Bool {
    program.beginList(size: list.pointee.bits, plan: attribute.plan, into: taken)
    var element = mapped.elements + Int(list.pointee.text_count)
    let end = mapped.elements + Int(mapped.elements_count)
    while element < end, element.pointee.field != UInt32.max {
      let field = Int(element.pointee.field)
      // Two lists may stand at one path: fields of the other one are no fields of this.
      if let plan = plan(of: fields[field].number, in: attribute),
        !program.takeElement(
          FoundValue(element.pointee.value), field: plan, plan: attribute.plan, into: taken)
      {
        return false
      }
      element += 1
    }
    program.endList(plan: attribute.plan, into: taken)
    return true
  }

  /// The plan of a field of a list's elements, of which there are few.
  @inline(__always)
  private func plan(of number: Int32, in list: FlatAttribute) -> Int32? {
    program.fieldPlan(of: number, list: list.plan)
  }

  func readAttributes(_ batch: EventBatch, _ draft: inout EventDraft) {
    let values = mapped.values!
    for attribute in attributes {
      let place = Self.place(of: attribute, candidates.baseAddress!, values)
      guard place >= 0 else { continue }
      draft.attributesTotal += 1
      if attribute.isList, values[place].kind == TALLY_JSON_ARRAY.rawValue {
        readList(values[place], attribute.number, batch)
      } else {
        let read = FoundValue(values[place])
        batch.appendAttribute(
          number: attribute.number, kind: read.kind, bits: read.bits,
          text: attribute.isRead ? read.text : EventDraft.nothing, word: attribute.isWord ? read.text : nil)
      }
    }
  }

  /// The first place of an attribute where something stands, else one with null; -1: none.
  @inline(__always)
  static func place(
    of attribute: FlatAttribute, _ candidates: UnsafePointer<Int32>, _ values: UnsafePointer<tally_json_value>
  ) -> Int {
    var null = -1
    for index in attribute.first..<attribute.end {
      let place = Int(candidates[index])
      switch values[place].kind {
      case TALLY_JSON_ABSENT.rawValue: continue
      case TALLY_JSON_NULL.rawValue: if null < 0 { null = place }
      default: return place
      }
    }
    return null
  }

  private func readList(_ value: tally_json_value, _ number: Int32, _ batch: EventBatch) {
    let first = batch.elements.count
    var index = Int(value.text_count)
    let end = Int(mapped.elements_count)
    while index < end, mapped.elements[index].field != UInt32.max {
      let field = fields[Int(mapped.elements[index].field)]
      let read = FoundValue(mapped.elements[index].value)
      batch.appendElement(
        number: field.number, kind: read.kind, bits: read.bits,
        text: field.isRead ? read.text : EventDraft.nothing, word: field.isWord ? read.text : nil)
      index += 1
    }
    batch.appendList(number: number, size: Int(value.bits), first: first)
  }
}
