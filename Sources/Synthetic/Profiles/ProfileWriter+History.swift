extension ProfileWriter {
  /// Jobs, education, skills and what others say of them.
  mutating func putHistory() {
    if open("jobs", missing: 0.13, empty: .list) { putJobs() }
    field("education_level", missing: 0.16, word: ProfileWords.educations[life.education])
    if open("graduation_year", missing: 0.2) { putGraduation() }
    if open("skills", missing: 0.2, empty: .list) { putSkills() }
    if open("certifications", missing: 0.3, empty: .list) {
      putList(life.certificationCount, of: ProfileWords.certifications)
    }
    if open("languages", missing: 0.3, empty: .list) {
      putList(1 + random.poisson(mean: 0.6), of: ProfileWords.languages)
    }
    if open("recommendations", missing: 0.25) { putNumber(life.recommendations) }
  }

  private mutating func putGraduation() {
    switch mistake {
    case .graduationBeforeBirth: text.put(max(life.birthYear - 1 - random.below(30), 1901))
    case .graduationFarAhead: text.put(life.asOfYear + 9 + random.below(10))
    default: putNumber(Int(life.graduation))
    }
  }

  private mutating func putJobs() {
    switch mistake {
    case .jobsNull: return text.put("null")
    case .jobsObject:
      text.key("title", after: UInt8(ascii: "{"))
      text.quoted("see CV")
      return text.put("}")
    default: break
    }
    let wrong = life.jobs.isEmpty ? 0 : random.below(life.jobs.count)
    text.put("[")
    for index in life.jobs.indices {
      if index > 0 { text.put(",") }
      if mistake == .nullAmongJobs && index == wrong { text.put("null,") }
      putJob(life.jobs[index], isWrong: index == wrong)
    }
    text.put("]")
  }

  private mutating func putJob(_ job: ProfileJob, isWrong: Bool) {
    text.key("title", after: UInt8(ascii: "{"))
    text.quote()
    putRole(Int(job.role))
    text.quote()
    text.key("company")
    text.quoted(ProfileWords.companies[Int(job.company) % 32])
    let year = Int(job.start)
    text.key("start_year")
    switch mistake {
    case .startYearShort where isWrong: text.put(year % 100)
    case .startYearLong where isWrong: text.put(year * 10 + year % 10)
    case .numberAsText where isWrong && random.chance(0.3): putWrong(year)
    default: if random.below(64) == 0 { text.put("null") } else { text.put(year) }
    }
    text.key("end_year")
    if let end = job.end { text.put(Int(end)) } else { text.put("null") }
    text.key("location")
    text.quoted(ProfileWords.cities[Int(job.city) % 16])
    text.put("}")
  }

  private mutating func putSkills() {
    let isText = mistake == .skillsAsText
    if isText { text.quote() } else { text.put("[") }
    for index in life.skills.indices {
      if index > 0 { text.put(isText ? ", " : ",") }
      let skill = ProfileWords.skills[Int(life.skills[index])]
      if isText { text.put(skill) } else { putSkill(skill) }
    }
    if isText { text.quote() } else { text.put("]") }
  }

  /// One in sixteen is written without capitals.
  private mutating func putSkill(_ skill: StaticString) {
    let start = text.count
    text.quoted(skill)
    if random.below(16) == 0 { text.lowercase(from: start) }
  }

  private mutating func putList(_ count: Int, of words: [StaticString]) {
    text.put("[")
    let first = random.below(words.count)
    for index in 0..<count {
      if index > 0 { text.put(",") }
      text.quoted(words[(first + index) % words.count])
    }
    text.put("]")
  }
}
