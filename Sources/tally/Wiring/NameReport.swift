import Dispatch
import Events
import FeatureStore
import Metrics

/// Adds what this process drops because the pipeline does not declare it to what all its processes have dropped, in Redis, where
/// `tally status` reads it. On a queue and a connection of its own; when Redis does not answer, it tries again later.
final class NameReport: @unchecked Sendable {
  private let queue = DispatchQueue(label: "tally names")
  private let timer: any DispatchSourceTimer
  private let metrics: PipelineMetrics
  /// The queue's alone, as is `sent`.
  private let totals: RedisNameTotals
  private var sent = NameCounts()
  private static let periodSeconds = 5

  /// Begins.
  init(_ totals: RedisNameTotals, _ metrics: PipelineMetrics) {
    self.totals = totals
    self.metrics = metrics
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now() + .seconds(Self.periodSeconds), repeating: .seconds(Self.periodSeconds))
    timer.setEventHandler { [unowned self] in send() }
    timer.resume()
  }

  /// Sends the rest and ends.
  func stop() {
    queue.sync {
      timer.cancel()
      send()
      totals.close()
    }
  }

  private func send() {
    let now = metrics.names
    let rest = now.since(sent)
    guard rest.hasDropped, (try? totals.add(rest)) != nil else { return }
    sent = now
  }
}

extension NameCounts {
  /// That declared event types have never been seen, for readers; nil: all have been.
  var textOfUnseen: String? {
    guard !unseen.isEmpty else { return nil }
    let dropped = Self.text(types)
    return "none of the \(events) events so far was of the declared type\(unseen.count == 1 ? "" : "s") "
      + unseen.joined(separator: ", ") + ": are they sent under another name?"
      + (dropped.isEmpty ? "" : " Dropped were events of undeclared types: \(dropped)")
  }

  /// That mapped attributes stand nowhere, for readers; nil: all do, or there were less than `least` records to say so.
  func textOfUnmatched(least: UInt64 = UInt64(mappedRecordsMax)) -> String? {
    guard !unmatched.isEmpty, mappedRecords >= least else { return nil }
    return
      "none of the first \(min(mappedRecords, UInt64(Self.mappedRecordsMax))) records had the attribute"
      + (unmatched.count == 1 ? " " : "s ") + unmatched.joined(separator: ", ")
      + ": do the paths under input say where they stand?"
  }

  /// What was dropped, for readers, a line each.
  var lines: [String] {
    let kinds = [
      ("dropped, undeclared event types", types), ("dropped, undeclared attributes", attributes),
      ("values that are not allowed, replaced, by attribute", replaced),
    ]
    return kinds.compactMap { what, counts in counts.isEmpty ? nil : "\(what): \(Self.text(counts))" }
  }

  /// `"undeclared_types":{"logn":3},"undeclared_attributes":{"os":2}`.
  var json: String {
    func object(_ counts: [NameCount]) -> String {
      Self.sorted(counts).map { "\"\($0.name)\":\($0.count)" }.joined(separator: ",")
    }
    return "\"undeclared_types\":{\(object(types))},\"undeclared_attributes\":{\(object(attributes))},"
      + "\"replaced_values\":{\(object(replaced))}"
  }

  private static func text(_ counts: [NameCount]) -> String {
    sorted(counts).map { "\($0.name) \($0.count)" }.joined(separator: ", ")
  }

  /// The most frequent first, those of all other names last.
  private static func sorted(_ counts: [NameCount]) -> [NameCount] {
    counts.sorted { left, right in
      if (left.name == other) != (right.name == other) { return right.name == other }
      return left.count != right.count ? left.count > right.count : left.name < right.name
    }
  }
}
