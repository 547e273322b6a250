import Events

extension FeatureProgram {
  /// Fills the slots of what is made of an attribute. Row code.
  func extract(
    _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch,
    into values: UnsafeMutablePointer<Double>
  ) {
    guard plan.pointee.kind == .list else {
      return extract(FoundValue(attribute, in: batch), plan, into: values)
    }
    // What a declared list must be is a list.
    guard attribute.kind == .list else { return clear(plan, values) }
    beginList(size: attribute.bits, plan, values)
    let elements = batch.elements
    for place in Int(attribute.text.start)..<Int(attribute.text.start + attribute.text.count) {
      guard let field = field(of: elements[place], plan) else { continue }
      let found = FoundValue(elements[place], in: batch)
      extractElement(found, judgeElement(found, elements[place].symbol, field).value, field, plan, values)
    }
    endList(plan, values)
  }

  /// The same of a value that is no list.
  func extract(
    _ value: FoundValue, _ plan: UnsafePointer<AttributePlan>, into values: UnsafeMutablePointer<Double>
  ) {
    guard value.kind == .text else { return clear(plan, values) }
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      let extract = UnsafePointer(tables.extracts.base + index)
      values[Int(extract.pointee.slot)] =
        switch extract.pointee.kind {
        case .hasWord: 0
        case .length: Double(TextMatch.length(value.text))
        case .size, .minimum, .maximum, .mean, .any: .nan
        }
    }
    find(value.text, SymbolTable.unknown, plan, values)
  }

  // MARK: Lists

  /// An element of a list by its field's declaration; of a text only what is wrong with it.
  @inline(__always)
  func judgeElement(
    _ value: FoundValue, _ symbol: @autoclosure () -> Int32, _ field: UnsafePointer<AttributePlan>
  ) -> JudgedValue {
    judge(value, symbol(), field, wantsValue: field.pointee.kind != .text)
  }

  /// Fills the slots of what is made of a list, as if it were empty.
  func beginList(
    size: UInt64, _ plan: UnsafePointer<AttributePlan>, _ values: UnsafeMutablePointer<Double>
  ) {
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      let extract = UnsafePointer(tables.extracts.base + index)
      let slot = Int(extract.pointee.slot)
      switch extract.pointee.kind {
      case .size: values[slot] = Double(size)
      case .any, .hasWord: values[slot] = 0
      case .mean:
        values[slot] = .nan
        values[Int(extract.pointee.countSlot)] = 0
      case .minimum, .maximum, .length: values[slot] = .nan
      }
    }
  }

  /// Takes an element; `number` is what counts of it, where it is no text.
  @inline(__always)
  func extractElement(
    _ value: FoundValue, _ number: Double, _ field: UnsafePointer<AttributePlan>,
    _ plan: UnsafePointer<AttributePlan>, _ values: UnsafeMutablePointer<Double>
  ) {
    if value.kind == .text { find(value.text, field.pointee.symbol, plan, values) }
    // Texts and missing values are no numbers.
    guard !number.isNaN else { return }
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      let extract = UnsafePointer(tables.extracts.base + index)
      guard extract.pointee.field == field.pointee.symbol else { continue }
      let slot = Int(extract.pointee.slot)
      switch extract.pointee.kind {
      case .minimum: if values[slot].isNaN || number < values[slot] { values[slot] = number }
      case .maximum: if values[slot].isNaN || number > values[slot] { values[slot] = number }
      case .mean:
        let count = Int(extract.pointee.countSlot)
        values[slot] = values[count] == 0 ? number : values[slot] + number
        values[count] += 1
      case .size, .any, .hasWord, .length: continue
      }
    }
  }

  /// Turns sums into means.
  func endList(_ plan: UnsafePointer<AttributePlan>, _ values: UnsafeMutablePointer<Double>) {
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      let extract = UnsafePointer(tables.extracts.base + index)
      guard extract.pointee.kind == .mean else { continue }
      values[Int(extract.pointee.slot)] /= values[Int(extract.pointee.countSlot)]
    }
  }

  // MARK: Texts

  private func clear(_ plan: UnsafePointer<AttributePlan>, _ values: UnsafeMutablePointer<Double>) {
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      values[Int(tables.extracts.base[index].slot)] = .nan
    }
  }

  /// Looks for a field's texts, or for words of the text, in one step for all extracts.
  @inline(__always)
  private func find(
    _ bytes: UnsafeRawBufferPointer, _ field: Int32, _ plan: UnsafePointer<AttributePlan>,
    _ values: UnsafeMutablePointer<Double>
  ) {
    for index in Int(plan.pointee.findersStart)..<Int(plan.pointee.findersEnd) {
      let finder = UnsafePointer(tables.finders.base + index)
      guard finder.pointee.field == field else { continue }
      if finder.pointee.findsWords {
        findWords(finder, bytes, values)
      } else {
        look(finder, bytes, values)
      }
    }
  }

  private func findWords(
    _ finder: UnsafePointer<TextFinder>, _ bytes: UnsafeRawBufferPointer,
    _ values: UnsafeMutablePointer<Double>
  ) {
    var start = 0
    while start < bytes.count {
      guard TextMatch.isOfWord(bytes[start]) else {
        start += 1
        continue
      }
      var end = start + 1
      while end < bytes.count, TextMatch.isOfWord(bytes[end]) { end += 1 }
      look(finder, UnsafeRawBufferPointer(rebasing: bytes[start..<end]), values)
      start = end + 1
    }
  }

  /// Makes true what looks for these bytes.
  @inline(__always)
  private func look(
    _ finder: UnsafePointer<TextFinder>, _ bytes: UnsafeRawBufferPointer,
    _ values: UnsafeMutablePointer<Double>
  ) {
    let key = TextMatch.key(bytes)
    let slots = UnsafePointer(tables.textSlots.base + Int(finder.pointee.slotsStart))
    let mask = Int(finder.pointee.slotsMask)
    var slot = Int(truncatingIfNeeded: key) & mask
    while slots[slot].text >= 0 {
      if slots[slot].key == key, TextMatch.equal(bytes, text(slots[slot].text)) {
        values[Int(slots[slot].slot)] = 1
      }
      slot = (slot + 1) & mask
    }
  }

  private func text(_ number: Int32) -> UnsafeBufferPointer<UInt8> {
    let start = Int(tables.textStarts[Int(number)])
    return UnsafeBufferPointer(
      start: tables.textBytes.base + start, count: Int(tables.textStarts[Int(number) + 1]) - start)
  }
}
