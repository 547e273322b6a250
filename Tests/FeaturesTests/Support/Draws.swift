import TestNumbers

extension SeededGenerator {
  mutating func below(_ end: Int) -> Int { Int(next() % UInt64(end)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
