import Events

extension FeatureProgram {
  /// Fills the slots of what is made of an attribute. Row code.
  func extract(
    _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch,
    into values: UnsafeMutableBufferPointer<Double>
  ) {
    for index in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
      let extract = UnsafePointer(tables.extracts.base + index)
      values[Int(extract.pointee.slot)] = value(of: extract, attribute, plan, batch)
    }
  }

  private func value(
    of extract: UnsafePointer<Extract>, _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>,
    _ batch: EventBatch
  ) -> Double {
    // What a declared list must be is a list, what a text a text.
    guard (plan.pointee.kind == .list) == (attribute.kind == .list) else { return .nan }
    switch (extract.pointee.kind, attribute.kind) {
    case (.size, .list): return Double(attribute.bits)
    case (.minimum, .list), (.maximum, .list), (.mean, .list): return number(extract, attribute, plan, batch)
    case (.any, .list), (.hasWord, .list): return holds(extract, anyOf: attribute, batch)
    case (.hasWord, .text): return batch.withBytes(of: attribute.text) { hasWord(extract, $0) } ? 1 : 0
    case (.length, .text): return batch.withBytes(of: attribute.text) { Double(TextMatch.length($0)) }
    default: return .nan
    }
  }

  /// The least, the greatest or the mean of a list's numbers; missing where it has none.
  private func number(
    _ extract: UnsafePointer<Extract>, _ list: Attribute, _ plan: UnsafePointer<AttributePlan>,
    _ batch: EventBatch
  ) -> Double {
    var result = Double.nan
    var count = 0.0
    for place in Int(list.text.start)..<Int(list.text.start + list.text.count) {
      let element = batch.elements[place]
      guard element.name == extract.pointee.field, let field = field(of: element, plan) else { continue }
      let value = value(of: element, field, batch)
      if value.isNaN { continue }
      switch extract.pointee.kind {
      case .minimum: result = count == 0 || value < result ? value : result
      case .maximum: result = count == 0 || value > result ? value : result
      default: result = count == 0 ? value : result + value
      }
      count += 1
    }
    return extract.pointee.kind == .mean ? result / count : result
  }

  private func holds(
    _ extract: UnsafePointer<Extract>, anyOf list: Attribute, _ batch: EventBatch
  ) -> Double {
    for place in Int(list.text.start)..<Int(list.text.start + list.text.count) {
      let element = batch.elements[place]
      guard element.name == extract.pointee.field, element.kind == .text else { continue }
      let isFound = batch.withBytes(of: element.text) { bytes in
        extract.pointee.kind == .any ? isAny(extract, bytes) : hasWord(extract, bytes)
      }
      if isFound { return 1 }
    }
    return 0
  }

  @inline(__always)
  private func isAny(_ extract: UnsafePointer<Extract>, _ bytes: UnsafeRawBufferPointer) -> Bool {
    for text in extract.pointee.textsStart..<extract.pointee.textsEnd
    where TextMatch.equal(bytes, self.text(text)) {
      return true
    }
    return false
  }

  /// Whether one of the words stands in the text.
  @inline(__always)
  private func hasWord(_ extract: UnsafePointer<Extract>, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var start = 0
    while start < bytes.count {
      guard TextMatch.isOfWord(bytes[start]) else {
        start += 1
        continue
      }
      var end = start + 1
      while end < bytes.count, TextMatch.isOfWord(bytes[end]) { end += 1 }
      if isAny(extract, UnsafeRawBufferPointer(rebasing: bytes[start..<end])) { return true }
      start = end + 1
    }
    return false
  }

  private func text(_ number: Int32) -> UnsafeBufferPointer<UInt8> {
    let start = Int(tables.textStarts[Int(number)])
    return UnsafeBufferPointer(
      start: tables.textBytes.base + start, count: Int(tables.textStarts[Int(number) + 1]) - start)
  }
}
