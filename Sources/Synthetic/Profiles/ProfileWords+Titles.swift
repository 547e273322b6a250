extension ProfileWords {
  static let rolesPerIndustry = 6

  /// Six of each industry.
  static let roles: [StaticString] = [
    "Software Engineer", "Data Analyst", "Systems Administrator", "Product Designer", "QA Engineer",
    "Support Specialist",
    "Accountant", "Financial Analyst", "Loan Officer", "Auditor", "Insurance Broker", "Teller",
    "Registered Nurse", "Physician", "Medical Assistant", "Pharmacist", "Physiotherapist", "Lab Technician",
    "Teacher", "Lecturer", "School Counselor", "Librarian", "Tutor", "Registrar",
    "Sales Associate", "Buyer", "Cashier", "Merchandiser", "Store Planner", "Stock Clerk",
    "Machinist", "Production Planner", "Welder", "Process Engineer", "Assembler", "Quality Inspector",
    "Carpenter", "Electrician", "Site Engineer", "Estimator", "Plumber", "Surveyor",
    "Policy Analyst", "Clerk", "Case Worker", "Firefighter", "Planner", "Inspector",
    "Journalist", "Copywriter", "Video Editor", "Photographer", "Publicist", "Sound Engineer",
    "Chef", "Bartender", "Receptionist", "Event Planner", "Concierge", "Waiter",
    "Truck Driver", "Dispatcher", "Pilot", "Logistics Coordinator", "Mechanic", "Customs Agent",
    "Attorney", "Paralegal", "Legal Secretary", "Counsel", "Mediator", "Court Reporter",
    "Farmer", "Agronomist", "Veterinarian", "Farm Hand", "Winemaker", "Forester",
    "Power Engineer", "Geologist", "Line Worker", "Solar Installer", "Plant Operator", "Meter Reader",
    "Fundraiser", "Program Coordinator", "Social Worker", "Grant Writer", "Organizer",
    "Volunteer Coordinator",
  ]

  /// Titles in other languages and with signs of their own, some of them as JSON escapes.
  static let foreignTitles: [StaticString] = [
    "Développeur", "Geschäftsführer", "エンジニア", "Менеджер проектов", "Ing\\u00e9nieur",
    "Growth Ninja \\ud83d\\ude80", "Señor Analista", "R&D \\/ \\\"Special Projects\\\"",
  ]

  /// What stands before and after the role: four ways for each level.
  static let titleWords: [(before: StaticString, after: StaticString)] = [
    ("", " Intern"), ("", " Trainee"), ("Student ", ""), ("", ""),
    ("", ""), ("", ""), ("Graduate ", ""), ("Assistant ", ""),
    ("Junior ", ""), ("", ""), ("Jr. ", ""), ("", ""),
    ("", ""), ("", ""), ("", ""), ("", " II"),
    ("Senior ", ""), ("Sr. ", ""), ("Senior ", ""), ("", ""),
    ("Lead ", ""), ("Principal ", ""), ("Staff ", ""), ("", " Lead"),
    ("", " Manager"), ("", " Supervisor"), ("Senior ", " Manager"), ("", ""),
    ("Director, ", ""), ("Head of ", ""), ("", " Director"), ("", ""),
    ("VP, ", ""), ("Vice President, ", ""), ("SVP ", ""), ("Chief ", " Officer"),
    ("Chief ", " Officer"), ("President, ", ""), ("Founder, ", ""), ("Owner, ", ""),
  ]
}
