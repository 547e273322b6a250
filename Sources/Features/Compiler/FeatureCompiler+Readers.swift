import Events

/// An event's attribute that is measured.
struct Source {
  var selection: Selection
  var declaration: AttributeDeclaration
  /// The attribute's number in its group.
  var number: Int
}

extension FeatureCompiler {
  /// `EVENT.ATTRIBUTE`, with or without `where`, of a type that the function can measure.
  mutating func measured(_ argument: Argument, in function: String) throws(DeclarationError) -> Source {
    let value = argument.value
    guard case .member(let event, let name) = value.kind, event != "profile" else {
      throw error(value.offset, found: value.description, allowed: "EVENT.ATTRIBUTE in \(function)")
    }
    guard event != "any" else {
      throw error(value.offset, found: value.description, allowed: "an attribute of a declared event type")
    }
    let group = try self.event(named: event, offset: value.offset)
    let (declaration, number, _) = try attribute(name, of: group, offset: value.offset)
    let allowed: [String]
    switch function {
    case "distinct": allowed = ["category", "text"]
    case "entropy", "mode": allowed = ["category"]
    case "first", "last": allowed = ["number", "category", "flag"]
    default: allowed = ["number", "flag"]
    }
    guard allowed.contains(declaration.type.text) else {
      throw error(
        value.offset, found: "\(value.description), a \(declaration.type.text), in \(function)",
        allowed: "a \(allowed.joined(separator: " or "))")
    }
    let filter = try argument.condition.map { (condition) throws(DeclarationError) in
      try self.filter(condition, of: group)
    }
    let selection = Selection(group: group, filter: filter ?? -1, text: argument.description)
    return Source(selection: selection, declaration: declaration, number: number)
  }

  /// A window's length; nil: lifetime.
  mutating func window(_ argument: Argument?) throws(DeclarationError) -> EventTime? {
    guard let argument else { return nil }
    guard argument.condition == nil, case .duration(let span) = argument.value.kind else {
      throw error(argument.value.offset, found: argument.description, allowed: "a window such as 12h or 30d")
    }
    guard span <= Self.windowMax else {
      throw error(
        argument.value.offset, found: "a window of \(durationText(span))",
        allowed: "at most \(durationText(Self.windowMax)), or no window: lifetime")
    }
    let unit = span <= 2 * Span.day ? Span.hour : Span.day
    guard span % unit == 0 else {
      throw error(
        argument.value.offset, found: "a window of \(durationText(span))",
        allowed: "whole hours up to 2d, whole days above")
    }
    return span
  }

  /// A window of whole days.
  mutating func dayWindow(_ argument: Argument, least: Int) throws(DeclarationError) -> Int {
    let span = try window(argument) ?? 0
    guard span % Span.day == 0, span >= EventTime(least) * Span.day else {
      throw error(
        argument.value.offset, found: "a window of \(durationText(span))",
        allowed: "whole days, at least \(least)d")
    }
    return Int(span / Span.day)
  }

  /// Register of an aggregate over a sliding window or a lifetime; the first component is what is read.
  mutating func reader(
    _ reading: Reading, _ selection: Selection, measured: Source?, sub: SubKey, _ components: [Component],
    window: EventTime?, limit: Int = 0, scale: Double? = nil, halfLife: EventTime = 0, name: String
  ) -> Int32 {
    let hop = window.map { Hop(window: $0) } ?? .lifetime
    let number = series(
      SeriesKey(
        group: selection.group, filter: selection.filter, attribute: measured?.number ?? -1, sub: sub,
        hop: hop),
      text: selection.text, components, reach: window ?? 0)
    if let window { windows.insert(WindowReach(reach: window, hop: hop.micros)) }
    let length = window.map { ", \(durationText($0))" } ?? (halfLife > 0 ? ", \(durationText(halfLife))" : "")
    return aggregate(
      AggregateDraft(
        reading: reading, series: number, window: window.map { WindowReach(reach: $0, hop: hop.micros) },
        component: components[0], scale: scale ?? measured?.declaration.type.scale ?? 1, limit: limit,
        halfLife: halfLife, text: "\(name)(\(selection.text)\(length))"))
  }

  /// A value over whole UTC days, the as-of day being the last.
  mutating func dayReader(
    _ reading: Reading, _ days: Int, component: Component, _ selection: Selection, measured: Source?,
    text: String
  ) -> Value {
    let reach = EventTime(days - 1) * Span.day
    let number = series(
      SeriesKey(
        group: selection.group, filter: selection.filter, attribute: measured?.number ?? -1, sub: .none,
        hop: .day),
      text: selection.text, [component], reach: reach)
    windows.insert(WindowReach(reach: EventTime(days) * Span.day, hop: Span.day))
    return .number(
      aggregate(
        AggregateDraft(
          reading: reading, series: number, window: WindowReach(reach: reach, hop: Span.day),
          component: component,
          scale: measured?.declaration.type.scale ?? 1, limit: days, text: text)))
  }
}
