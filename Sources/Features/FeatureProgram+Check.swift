public import Events

/// What of an event is not as declared, beside what makes it a dead letter.
public struct EventCheck: Sendable {
  /// Attributes that are not declared for the event's type, unless that is not declared itself.
  public var undeclared = 0
  /// Attributes, and values of lists, that are not allowed and count as missing, or as the nearer bound.
  public var replaced = 0

  /// Nothing was looked at.
  public init() {}
}

/// Where an event has a value that is not allowed.
private struct WrongPlace {
  var reason: DeadLetterReason
  /// Position among the batch's attributes.
  var attribute: Int
  /// Position among the batch's elements, for a list.
  var element: Int?
}

extension FeatureProgram {
  /// Whether an event fits the declaration: types, bounds and decimals of its attributes. nil: it does. Row code.
  ///
  /// Checked are the attributes that its event type (or the profile) declares; a number may come as a whole number
  /// of at most ±2^53, null is always allowed, an undeclared event type is too. Whatever else an event holds cannot be wrong. Also refuses an event time outside
  /// `EventTimeBounds`, which decoders check as well.
  public func problem(of event: Event, in batch: EventBatch) -> DeadLetterReason? {
    var check = EventCheck()
    return problem(of: event, in: batch, &check)
  }

  /// The same; adds to `check` what is no problem and yet not as declared.
  public func problem(of event: Event, in batch: EventBatch, _ check: inout EventCheck) -> DeadLetterReason? {
    guard event.time > 0, event.time < EventTimeBounds.end else { return .invalidTime }
    return firstProblem(of: event, in: batch, &check)?.reason
  }

  /// Calls `body` with the symbol of each attribute with a value that is not allowed and was replaced.
  public func forEachReplaced(of event: Event, in batch: EventBatch, _ body: (_ name: Int32) -> Void) {
    guard let group = declaredGroup(of: event) else { return }
    for index in Int(event.attributesStart)..<Int(event.attributesStart + event.attributesCount) {
      let attribute = batch.attributes[index]
      guard let plan = plan(of: attribute.name, group) else { continue }
      var check = EventCheck()
      if wrong(attribute, at: index, plan, batch, &check) == nil, check.replaced > 0 { body(attribute.name) }
    }
  }

  /// More about an event's `problem`, for readers: the attribute and what is wrong with it, never its value. Empty: no
  /// attribute is wrong.
  public func detail(of event: Event, in batch: EventBatch) -> String {
    var check = EventCheck()
    guard let group = declaredGroup(of: event), let wrong = firstProblem(of: event, in: batch, &check),
      let owner = plan(of: batch.attributes[wrong.attribute].name, group)
    else { return "" }
    var name = event.kind == .engagement ? symbols.names[Int(event.type)] : "profile"
    name += ".\(symbols.names[Int(batch.attributes[wrong.attribute].name)])"
    guard let place = wrong.element else {
      return Self.text(wrong.reason, name, batch.attributes[wrong.attribute], owner)
    }
    let element = batch.elements[place]
    guard let plan = field(of: element, owner) else { return "" }
    if element.name >= 0 { name += ".\(symbols.names[Int(element.name)])" }
    return Self.text(wrong.reason, "an element of \(name)", element, plan)
  }

  private static func text(
    _ reason: DeadLetterReason, _ name: String, _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>
  ) -> String {
    switch reason {
    case .notFinite: return "\(name) is no finite number"
    case .invalidUTF8: return "\(name) is no valid text: not UTF-8, or half of a surrogate pair"
    case .outOfBounds
    where attribute.kind == .real && plan.pointee.number(Double(bitPattern: attribute.bits)) == nil:
      return "\(name) has more decimals than are declared: declare them, or round: true"
    case .outOfBounds:
      let bounds = "\(text(plan.pointee.minimum)) to \(text(plan.pointee.maximum))"
      return "\(name) is outside its bounds, \(bounds)"
    default: return "\(name) is no \(plan.pointee.kind.words) but \(words(for: attribute.kind))"
    }
  }

  private static func text(_ bound: Double) -> String {
    Int64(exactly: bound).map(String.init) ?? "\(bound)"
  }

  /// What an attribute holds, for readers.
  private static func words(for kind: AttributeKind) -> String {
    switch kind {
    case .null: "null"
    case .flag: "true or false"
    case .integer, .real, .beyond: "a number"
    case .infinite: "an infinite number or NaN"
    case .text, .garbled: "a text"
    case .composite: "an object or a list"
    case .list: "a list"
    }
  }

  /// Group of what an event may hold; nil: its attributes mean nothing.
  private func declaredGroup(of event: Event) -> Int? {
    switch event.kind {
    case .tick, .erasure, .promotion: return nil
    case .profileSnapshot, .profileChange: return tables.eventTypes
    case .engagement:
      let group = group(of: event)
      return group < tables.eventTypes ? group : nil
    }
  }

  /// The first of the event's attributes that makes it a dead letter.
  private func firstProblem(
    of event: Event, in batch: EventBatch, _ check: inout EventCheck
  ) -> WrongPlace? {
    guard let group = declaredGroup(of: event) else { return nil }
    let attributes = batch.attributes
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      guard let plan = plan(of: attributes[index].name, group) else {
        check.undeclared += 1
        continue
      }
      if let wrong = wrong(attributes[index], at: index, plan, batch, &check) { return wrong }
    }
    return nil
  }

  @inline(__always)
  private func wrong(
    _ attribute: Attribute, at index: Int, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch,
    _ check: inout EventCheck
  ) -> WrongPlace? {
    if plan.pointee.kind == .list && attribute.kind == .list {
      return wrongElement(attribute, at: index, plan, batch, &check)
    }
    guard
      let reason = judge(FoundValue(attribute, in: batch), attribute.symbol, plan, wantsValue: false).problem
    else { return nil }
    if plan.pointee.wrong == .letter { return WrongPlace(reason: reason, attribute: index) }
    check.replaced += 1
    return nil
  }

  private func wrongElement(
    _ list: Attribute, at index: Int, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch,
    _ check: inout EventCheck
  ) -> WrongPlace? {
    let elements = batch.elements
    for place in Int(list.text.start)..<Int(list.text.start + list.text.count) {
      guard let field = field(of: elements[place], plan),
        let reason = judge(
          FoundValue(elements[place], in: batch), elements[place].symbol, field, wantsValue: false
        )
        .problem
      else { continue }
      if field.pointee.wrong == .letter {
        return WrongPlace(reason: reason, attribute: index, element: place)
      }
      check.replaced += 1
    }
    return nil
  }
}

extension AttributePlan.Kind {
  /// For error texts.
  fileprivate var words: String {
    switch self {
    case .number: "number"
    case .category: "category"
    case .rank: "ordered category"
    case .text: "text"
    case .flag: "flag"
    case .list: "list"
    }
  }
}
