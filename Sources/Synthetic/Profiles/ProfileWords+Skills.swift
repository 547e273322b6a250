extension ProfileWords {
  static let recentSkills = 8
  static let generalSkills = 16
  static let generalSkillCount = 40
  static let industrySkills = generalSkills + generalSkillCount
  static let skillsPerIndustry = 6

  /// Those that tell an early cohort, those that tell a recent one, everyone's, and six of each industry.
  static let skills: [StaticString] = [
    "COBOL", "Fortran", "Visual Basic", "Delphi", "Lotus Notes", "Typing", "Bookkeeping", "Shorthand",
    "TikTok", "Rust", "Kotlin", "React", "Figma", "Prompt Engineering", "Discord", "Flutter",
    "Communication", "Leadership", "Teamwork", "Project Management", "Microsoft Excel", "Customer Service",
    "Public Speaking", "Negotiation", "Time Management", "Sales", "Marketing", "Research", "Training",
    "Budgeting",
    "Strategy", "Planning", "Writing", "Editing", "Data Analysis", "Presentations", "Problem Solving",
    "Coaching",
    "Recruiting", "Onboarding", "Reporting", "Forecasting", "Scheduling", "Procurement", "Quality Assurance",
    "Process Improvement", "Event Planning", "Translation", "Photography", "Social Media", "Networking",
    "Mentoring",
    "Risk Management", "Compliance", "Logistics", "PowerPoint",
    // Technology, finance, healthcare
    "Python", "SQL", "Java", "Linux", "Git", "Cloud Computing",
    "Accounting", "Auditing", "Financial Modeling", "Tax", "Banking", "Insurance",
    "Patient Care", "Nursing", "Phlebotomy", "Medical Coding", "EMR", "Triage",
    // Education, retail, manufacturing
    "Curriculum Design", "Classroom Management", "Tutoring", "E-Learning", "Special Education", "Assessment",
    "Merchandising", "Inventory", "POS Systems", "Visual Display", "Store Management", "Upselling",
    "Lean", "CNC", "Welding", "Six Sigma", "Maintenance", "Assembly",
    // Construction, government, media
    "AutoCAD", "Estimating", "Carpentry", "Site Safety", "Blueprints", "Surveying",
    "Policy", "Grant Writing", "Public Administration", "Intelligence", "Emergency Management", "Zoning",
    "Journalism", "Video Editing", "Copywriting", "Broadcasting", "SEO", "Adobe Photoshop",
    // Hospitality, transport, legal
    "Bartending", "Front Desk", "Housekeeping", "Catering", "Menu Design", "Revenue Management",
    "Dispatch", "Fleet Management", "CDL", "Route Planning", "Customs", "Freight",
    "Litigation", "Contracts", "Legal Research", "Mediation", "Intellectual Property", "Paralegal Work",
    // Agriculture, energy, nonprofit
    "Crop Science", "Irrigation", "Animal Husbandry", "Agronomy", "Tractors", "Beekeeping",
    "Solar", "Pipelines", "Grid Operations", "HVAC", "Drilling", "Metering",
    "Fundraising", "Volunteer Coordination", "Advocacy", "Community Outreach", "Case Work",
    "Program Evaluation",
  ]
}
