import Events
import Foundation

extension OracleHistory {
  /// Exact while no tile has more than 32 different texts, else a HyperLogLog of all the window's texts
  /// (Flajolet and others, 2007), written down from the paper.
  func distinctTexts(_ seen: [TestEvent], _ aggregate: OracleAggregate) -> Double {
    var hop = EventTime.max
    if let window = aggregate.window {
      hop = window <= 48 * Span.hour ? Span.hour : window <= 60 * Span.day ? Span.day : 7 * Span.day
    }
    var tiles: [EventTime: Set<String>] = [:]
    var all: Set<String> = []
    for event in seen {
      guard let name = aggregate.attribute, case .text(let text) = event.value(name) else { continue }
      tiles[event.time / hop, default: []].insert(text)
      all.insert(text)
    }
    if tiles.values.allSatisfy({ $0.count <= 32 }) { return Double(all.count) }
    var registers = Array(repeating: 0, count: 64)
    for text in all {
      var bits = Hash128(of: text).low % (1 << 44)
      if bits < 64 { bits += 64 }
      var rank = 1
      var probe: UInt64 = 1 << 43
      while rank < 39 && bits & probe == 0 {
        rank += 1
        probe >>= 1
      }
      let register = Int(bits % 64)
      registers[register] = max(registers[register], rank)
    }
    let estimate = 0.709 * 64 * 64 / registers.reduce(0) { $0 + pow(2, -Double($1)) }
    let empty = registers.filter { $0 == 0 }.count
    return (estimate <= 160 && empty > 0 ? 64 * log(64 / Double(empty)) : estimate).rounded()
  }
}
