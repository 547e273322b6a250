/// Profiles by number: each is a function of the seed and its number alone, so that any range can be made alone,
/// again, or beside others.
///
/// PLACEHOLDER
public struct ProfilePopulation: Sendable {
  /// What was asked for.
  public let configuration: ProfileConfiguration
  private let numbers: ProfileNumbers
  private var writer: ProfileWriter

  /// The population.
  public init(_ configuration: ProfileConfiguration) {
    self.configuration = configuration
    numbers = ProfileNumbers(seed: configuration.seed)
    writer = ProfileWriter(configuration)
  }

  /// The id of profile `number`, from 0 to less than `ProfileConfiguration.countMax`: nine digits, unique in a population.
  func pid(of number: Int) -> Int64 { numbers.pid(of: number) }

  /// The hidden age of profile `number` in the middle of the as-of year: years with their fraction.
  func age(of number: Int) -> Double {
    var random = random(of: number)
    return ProfileLife.drawAge(&random)
  }

  /// Appends the record of profile `number`, without a line break.
  public mutating func append(_ number: Int, to bytes: inout [UInt8]) {
    writer.append(pid: pid(of: number), from: random(of: number), to: &bytes)
  }

  /// Appends the row of the hidden age, `pid,age` with two decimals and a line break.
  public func appendAge(of number: Int, to bytes: inout [UInt8]) {
    Decimal.append(pid(of: number), to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Decimal.append(Int64((age(of: number) * 100).rounded()), decimals: 2, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  private func random(of number: Int) -> SeededRandom {
    SeededRandom(seed: configuration.seed ^ 0x7072_6f66_696c_65, stream: UInt64(number))
  }
}
