extension UnsafeMutablePointer<Instruction> {
  /// Does the step; a result that is not finite is missing.
  @inline(__always)
  func run(_ registers: UnsafeMutablePointer<Double>) {
    let a = registers[Int(pointee.a)]
    let b = registers[Int(pointee.b)]
    var result: Double
    switch pointee.operation {
    case .add: result = a + b
    case .subtract: result = a - b
    case .multiply: result = a * b
    case .divide: result = a / b
    case .negate: result = -a
    case .less: result = a < b ? 1 : 0
    case .lessEqual: result = a <= b ? 1 : 0
    case .greater: result = a > b ? 1 : 0
    case .greaterEqual: result = a >= b ? 1 : 0
    case .equal: result = a == b ? 1 : 0
    case .notEqual: result = a < b || a > b ? 1 : 0
    case .and: result = isTrue(a) && isTrue(b) ? 1 : 0
    case .or: result = isTrue(a) || isTrue(b) ? 1 : 0
    case .not: result = isTrue(a) ? 0 : 1
    case .least: result = a.isNaN || b.isNaN ? .nan : (b < a ? b : a)
    case .greatest: result = a.isNaN || b.isNaN ? .nan : (b > a ? b : a)
    case .absolute: result = abs(a)
    case .squareRoot: result = a < 0 ? .nan : a.squareRoot()
    case .log2: result = ExactMath.log2(a)
    case .exp2: result = ExactMath.exp2(a)
    case .floor: result = ExactMath.floor(a)
    case .coalesce: result = a.isNaN ? b : a
    case .select: result = isTrue(a) ? b : registers[Int(pointee.c)]
    case .bucket: result = bucket(a, registers + Int(pointee.b), Int(pointee.c))
    case .isMissing: result = a.isNaN ? 1 : 0
    case .within: result = a >= b && a <= registers[Int(pointee.c)] ? a : .nan
    }
    if !result.isFinite { result = .nan }
    registers[Int(pointee.target)] = result
  }

  @inline(__always)
  private func isTrue(_ value: Double) -> Bool { value < 0 || value > 0 }

  private func bucket(_ value: Double, _ thresholds: UnsafePointer<Double>, _ count: Int) -> Double {
    if value.isNaN { return .nan }
    var reached = 0
    while reached < count && thresholds[reached] <= value { reached += 1 }
    return Double(reached)
  }
}
