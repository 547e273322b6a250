extension ProfileLife {
  private static let jobsMax = 24

  /// The jobs from the career's start to now, and what of them the person still tells.
  mutating func drawCareer(_ random: inout SeededRandom) {
    jobs.removeAll(keepingCapacity: true)
    let retirement = birth + 64 + 4 * random.normal()
    let end = min(now, max(retirement, careerStart + 1))
    var start = careerStart
    while start < end && jobs.count < Self.jobsMax {
      // People move often at first and seldom later.
      let mean = 1.8 + 0.14 * (start - careerStart)
      let length = max(random.exponential(mean: mean, stages: 2), 0.2)
      let words = random.bits()
      jobs.append(
        ProfileJob(
          start: start, end: start + length, company: UInt8(truncatingIfNeeded: words),
          role: UInt8(truncatingIfNeeded: words >> 8), city: UInt8(truncatingIfNeeded: words >> 16)))
      start += length
      if words >> 60 < 3 { start += random.exponential(mean: 0.6) }
    }
    let isBetweenJobs = random.chance(0.05)
    if let last = jobs.indices.last {
      let lastEnd = jobs[last].end ?? end
      if end == now && lastEnd >= now && !isBetweenJobs {
        jobs[last].end = nil
      } else {
        jobs[last].end = min(lastEnd, end)
      }
    }
    isEmployed = jobs.last.map { $0.end == nil } ?? false
    tenureMonths = jobs.last.map { (($0.end ?? now) - $0.start) * 12 } ?? 0
    jobs.reverse()
    shorten(&random)
    drawLevel(&random)
  }

  /// Old jobs are left out: only the last few are told, or none of long ago.
  private mutating func shorten(_ random: inout SeededRandom) {
    if jobs.count > 3 && random.chance(0.25) {
      let kept = 2 + random.below(4)
      if kept < jobs.count { jobs.removeLast(jobs.count - kept) }
    }
    if random.chance(0.15) {
      let since = now - random.uniform(10...25)
      while jobs.count > 1, let oldest = jobs.last, oldest.start < since { jobs.removeLast() }
    }
  }

  private mutating func drawLevel(_ random: inout SeededRandom) {
    guard experience > 0 else {
      level = random.chance(0.7) ? 0 : 1
      return
    }
    let score =
      1.1 * experience.squareRoot() + 0.6 * ability + 0.7 * random.normal() + 0.15 * Double(education)
    level = 0
    while level < Self.levelFrom.count && score >= Self.levelFrom[level] { level += 1 }
  }

  /// The score from which a level is reached, from Entry to Executive.
  private static let levelFrom: [Double] = [0.9, 2.1, 3.1, 4.5, 5.8, 6.6, 7.6, 8.4, 9.2]
}

extension SeededRandom {
  /// The sum of so many exponential numbers that their mean is `mean`: few are short, and few are long.
  fileprivate mutating func exponential(mean: Double, stages: Int) -> Double {
    var product = 1.0
    for _ in 0..<stages { product *= 1 - unit() }
    return -mean / Double(stages) * FixedMath.log(product)
  }
}
