import Events
import Foundation
import TestNumbers
import TestThreads
import Testing
import XGBoost

@testable import Training

@Suite(.onThreads) struct RowNumberTests {
  private func read(_ text: String) -> Float? {
    var text = text
    return text.withUTF8 { FloatText.value(of: UnsafeRawBufferPointer($0)) }
  }

  /// Swift's own parser, which rounds once, is the oracle.
  @Test func numbersAreTheNearestFloats() {
    var random = SplitMix64(seed: 20_261_128)
    for _ in 0..<200_000 {
      let bits = random.next()
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      let text: String =
        switch bits >> 61 {
        case 0: "\(Int64(bitPattern: random.next()) >> 20)"
        case 1: "\(float)"
        case 2: "\(Double(float) * 1.000_000_05)"
        case 3: "\(Int32(truncatingIfNeeded: bits)).\(random.next() % 100_000_000)"
        // Halves between two floats, and what lies just beside them.
        case 4: "\((Double(1 + (bits & 0xff_ffff)) + 0.5) * 2)"
        case 5: "\(16_777_216 + (bits & 0xff)).\(["5", "49999999", "50000001", "0"][Int(bits >> 8 & 3)])"
        default: "\(Int(bits & 0x3ff)).\(bits >> 40 & 0xffff)"
        }
      #expect(read(text)?.bitPattern == Float(text)?.bitPattern, "\(text)")
    }
  }

  @Test(arguments: [
    "", "-", ".", "-.", "1.", ".5", "+1", "1e3", "-0", "00012", "1..2", "1,2", "0x10", "nan", "inf", "-inf",
    " 1", "1 ",
    "123456789012345", "1234567890123456", "0.000000000000001", "1e-45", "1.17549e-38", "3.5e38", "١",
  ])
  func formsAreThoseOfSwift(_ text: String) {
    let (found, wanted) = (read(text), Float(text))
    #expect(found?.bitPattern == wanted?.bitPattern)
  }

  /// Rows that come in parts are the same to training as rows that are all there.
  @Test(arguments: [1, 100, 40_000]) func quantisedRowsTrainTheSameModel(_ rows: Int) throws {
    var random = SplitMix64(seed: UInt64(rows))
    let columns = 3
    func number() -> Float { Float(random.next() >> 40) / 65_536 }
    let values = (0..<rows * columns).map { _ in random.next() % 7 == 0 ? Float.nan : number() }
    let labels = (0..<rows).map { (values[$0 * columns].isNaN ? 3 : values[$0 * columns]) + number() }
    let weights = labels.map { _ in 1 + number() }
    let whole = try Matrix(values: values, rows: rows, columns: columns, labels: labels)
    try whole.setWeights(weights)
    let parts = try Matrix(quantising: rows, columns: columns, labels: labels, weights: weights) {
      range, target in
      for (place, row) in range.enumerated() {
        for column in 0..<columns { target[place * columns + column] = values[row * columns + column] }
      }
    }
    let parameters = [
      (name: "objective", value: "reg:squarederror"), ("tree_method", "hist"), ("nthread", "1"),
      ("seed", "1"),
    ]
    func model(_ training: borrowing Matrix) throws -> [UInt8] {
      let booster = try Booster(training: training, heldBack: whole, parameters: parameters)
      _ = try booster.train(on: training, heldBack: whole, rounds: 5, earlyStoppingRounds: 5)
      return try booster.serialized(.json)
    }
    #expect(try model(parts) == model(whole))
  }
}
