extension ProfileLife {
  private static let emailWeights: [[Double]] = [
    // gmail, outlook, hotmail, yahoo, aol, icloud, proton, corporate; by age, from 70 down to 20.
    [18, 8, 10, 24, 22, 2, 0.5, 15.5],
    [24, 9, 13, 24, 12, 3, 0.7, 14.3],
    [32, 10, 16, 18, 4, 5, 1, 14],
    [42, 10, 14, 12, 1, 8, 1.5, 11.5],
    [55, 8, 5, 6, 0.3, 13, 2.5, 10.2],
    [60, 7, 2, 3, 0.1, 18, 3, 6.9],
  ]
  private static let companySizeWeights: [Double] = [14, 18, 20, 12, 8, 12, 6, 10]

  /// What comes with age, experience and level.
  mutating func drawTraits(_ random: inout SeededRandom) {
    let years = max(experience, 0)
    let familiar = FixedMath.log(years + 1)
    let median = 3.6 + 0.75 * familiar + 0.12 * Double(level) + 0.2 * ability - (age > 55 ? 0.3 : 0)
    connections = Int(min(FixedMath.exp(median + 0.8 * random.normal()), 30_000))
    let habit = age + 5 * random.normal()
    let row = min(max(Int(((75 - habit) / 10).rounded(.down)), 0), Self.emailWeights.count - 1)
    emailProvider = random.pick(Self.emailWeights[row], total: 100)
    let size = random.pick(Self.companySizeWeights, total: 100)
    // Large companies have more of the higher levels below the top, small ones more founders.
    companySize = level == 9 && random.chance(0.5) ? min(size, 2) : size
    let adult = birth + 17 + random.exponential(mean: 3)
    let adopted = now - 22.5 + random.exponential(mean: 6)
    createdYear = Int(min(max(adult, adopted), now - 0.5 * random.unit()))
    let trade = industry == 0 || industry == 2 || industry == 1 ? 1.6 : 0.8
    certificationCount = min(random.poisson(mean: (0.25 + 0.05 * min(years, 25)) * trade), 12)
    let praised = 0.2 + 0.16 * years * FixedMath.exp(0.3 * ability)
    recommendations = Int(min(random.exponential(mean: praised), 400))
  }

  /// Skills of the industry, of everyone and of the cohort.
  mutating func drawSkills(_ random: inout SeededRandom) {
    skills.removeAll(keepingCapacity: true)
    let wanted = min(3 + random.poisson(mean: 2 + 4 * min(max(experience, 0) / 15, 1)), 30)
    for _ in 0..<wanted {
      if random.chance(0.5) {
        let own = ProfileWords.skillsPerIndustry
        add(ProfileWords.industrySkills + industry * own + random.below(own))
      } else {
        add(ProfileWords.generalSkills + random.below(ProfileWords.generalSkillCount))
      }
    }
    let early = 1.6 * Self.logistic((age - 57) / 4)
    for _ in 0..<random.poisson(mean: early) {
      // The first half are programmers', the others of offices.
      add(random.below(4) + (industry == 0 || random.chance(0.25) ? 0 : 4))
    }
    let recent = 1.7 * Self.logistic((36 - age) / 3.5)
    for _ in 0..<random.poisson(mean: recent) { add(ProfileWords.recentSkills + random.below(8)) }
    shuffleFirst(&random)
  }

  private mutating func add(_ skill: Int) {
    let skill = UInt8(skill)
    if !skills.contains(skill) { skills.append(skill) }
  }

  /// The cohort's skills do not always stand last.
  private mutating func shuffleFirst(_ random: inout SeededRandom) {
    guard skills.count > 1 else { return }
    skills.swapAt(skills.count - 1, random.below(skills.count))
  }

  private static func logistic(_ x: Double) -> Double { 1 / (1 + FixedMath.exp(-x)) }
}
