/// Collects the row program: every value has a register of its own, equal steps are done once.
struct RowBuilder {
  private(set) var registers: Int32 = 0
  private(set) var constants: [(register: Int32, value: Double)] = []
  private(set) var instructions: [Instruction] = []
  private var constantRegisters: [UInt64: Int32] = [:]
  private var known: [Instruction: Int32] = [:]

  /// Does later steps anew, also those that were done before: what they read may have changed.
  mutating func forgetSteps() { known.removeAll() }

  /// A register that something else fills before the instructions run.
  mutating func input() -> Int32 {
    registers += 1
    return registers - 1
  }

  mutating func constant(_ value: Double) -> Int32 {
    if let register = constantRegisters[value.bitPattern] { return register }
    let register = newConstant(value)
    constantRegisters[value.bitPattern] = register
    return register
  }

  /// Constants in registers one after another; returns the first.
  mutating func constants(_ values: [Double]) -> Int32 {
    let first = registers
    for value in values { _ = newConstant(value) }
    return first
  }

  mutating func emit(_ operation: Opcode, _ a: Int32, _ b: Int32 = 0, _ c: Int32 = 0) -> Int32 {
    var instruction = Instruction(operation: operation, a: a, b: b, c: c)
    if let register = known[instruction] { return register }
    let key = instruction
    instruction.target = input()
    known[key] = instruction.target
    instructions.append(instruction)
    return instruction.target
  }

  private mutating func newConstant(_ value: Double) -> Int32 {
    let register = input()
    constants.append((register, value))
    return register
  }
}
