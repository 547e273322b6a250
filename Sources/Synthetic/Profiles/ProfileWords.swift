/// The words of profiles, as they stand between quotation marks in JSON.
enum ProfileWords {
  static let levels: [StaticString] = [
    "Intern", "Entry", "Junior", "Mid", "Senior", "Lead", "Manager", "Director", "VP", "Executive",
  ]
  /// Levels as other systems spell them.
  static let foreignLevels: [StaticString] = [
    "Sr.", "Principal", "Contractor", "L5", "Individual Contributor", "C-Suite", "N/A", "Mid-Senior level",
  ]
  static let educations: [StaticString] = [
    "High School", "Associate's", "Bachelor's", "Master's", "Doctorate",
  ]
  static let industries: [StaticString] = [
    "Technology", "Finance", "Healthcare", "Education", "Retail", "Manufacturing", "Construction",
    "Government",
    "Media", "Hospitality", "Transport", "Legal", "Agriculture", "Energy", "Nonprofit",
  ]
  static let companySizes: [StaticString] = [
    "1-10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001-10000", "10001+",
  ]
  static let emailProviders: [StaticString] = [
    "gmail", "outlook", "hotmail", "yahoo", "aol", "icloud", "proton", "corporate",
  ]
  static let certifications: [StaticString] = [
    "PMP", "CPA", "CFA Level I", "First Aid", "Six Sigma Green Belt", "AWS Solutions Architect", "CCNA",
    "ITIL Foundation",
    "Scrum Master", "Food Safety", "Forklift", "Notary Public", "CPR", "OSHA 30", "Prüfungsleitung",
    "Google Analytics",
  ]
  static let languages: [StaticString] = [
    "English", "Spanish", "French", "German", "Italian", "Portuguese", "Polish", "Mandarin", "Hindi",
    "Arabic",
    "Türkçe", "日本語",
  ]
  static let companies: [StaticString] = [
    "Northwind", "Bluepeak", "Harbour & Sons", "Ironwood", "Silverline", "Larkspur", "Quartz Bay",
    "Redstone",
    "Oakfield", "Summit Works", "Bright Lane", "Müller Werke", "Kestrel", "Clearwater", "Old Mill",
    "Pinecrest",
    "Sunrise Co", "Tidewater", "Union Square", "Vertex Point", "Willow & Ash", "Yellow Door", "Zenith Hall",
    "Cobalt",
    "Delta Yard", "Evergreen", "Foxglove", "Granite", "Highland", "Inkwell", "Juniper", "Kingfisher",
  ]
  static let domains: [StaticString] = [
    "northwind", "bluepeak", "harbour", "ironwood", "silverline", "larkspur", "quartzbay", "redstone",
  ]
  static let cities: [StaticString] = [
    "Springfield", "Riverton", "Lakeside", "Fairview", "Georgetown", "Salem", "Clinton", "Madison",
    "Zürich", "São Paulo", "Ashland", "Burlington", "Milton", "Newport", "Oxford", "Kraków",
  ]
  static let countries: [StaticString] = [
    "US", "US", "US", "US", "US", "GB", "CA", "DE", "FR", "IN", "BR", "AU", "NL", "ES", "PL", "JP",
  ]
  static let firstNames: [StaticString] =
    SyntheticWords.firstNames + [
      "José", "Zoë", "Søren", "Łukasz", "Björn", "Renée", "李", "Юлия", "Jean-Luc", "D'Arcy",
    ]
  static let lastNames: [StaticString] =
    SyntheticWords.lastNames + [
      "Müller", "O'Brien", "Núñez", "Åkesson", "Nguyễn", "van den Berg", "Иванова", "Smith \\\"Smitty\\\"",
    ]
  static let sentences: [StaticString] = [
    "Results first, with a team that likes to come to work.",
    "I turn plans into things that run on Monday morning.",
    "Known for \\\"one page or it did not happen\\\".",
    "Twelve launches, two of them at night.\\nAsk me about the third.",
    "Likes: maps, long trains, short meetings.",
    "Has written the handbook that everybody quotes and nobody reads.",
    "Open to mentoring; please write a line about yourself.",
    "Worked with customers in 14 countries \\u2014 remote and on site.",
    "Volunteer at the animal shelter on weekends.",
    "Fluent in spreadsheets; learning the piano.",
    "Passionné de cuisine et de données.",
    "Believes that a good question is half of the work.",
  ]
  static let interests: [StaticString] = [
    "cycling", "chess", "cooking", "hiking", "jazz", "photography", "gardening", "travel",
  ]
  static let timezones: [StaticString] = [
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London",
    "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo",
  ]
  static let salaryBands: [StaticString] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "K"]
  static let sourceSystems: [StaticString] = ["crm", "import", "partner", "web"]
}
