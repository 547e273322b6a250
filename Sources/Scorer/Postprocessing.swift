/// What is made of a row's margins after the trees, in this order: link, sorting, shifts, sorting.
///
/// It is kept as JSON in the model file's attribute `tally_postprocessing` (see `json`), so that it is part of the version. Everything is
/// + − × ÷ and comparison, and Tally's own exp2: the same bits on every machine. `Postprocessor` does it.
public struct Postprocessing: Equatable, Sendable {
  /// Name of the model file's attribute.
  public static let attribute = "tally_postprocessing"

  /// How margins become outputs.
  public enum Link: Equatable, Sendable {
    /// As the model's objective says.
    case objective
    /// By a curve on the one margin: a calibrated probability.
    case curve(CalibrationCurve)
    /// Shares of exp2(scale × margin): probabilities of classes. The scale is log2(e) over the temperature.
    case shares(scale: Double)
    /// exp2(−scale × margin): of an isolation forest, whose margin is the sum of path lengths.
    case anomaly(scale: Double)
  }

  /// How margins become outputs.
  public var link: Link
  /// Whether a row's outputs are quantiles, ascending.
  public var sorts: Bool
  /// What is added to quantiles so that intervals cover what they promise; nil: nothing.
  public var shifts: ConformalShifts?
  /// The output from which on a decision that asks for the model's threshold says yes; nil: the model has none.
  public var threshold: Float?

  /// Nothing beside the link.
  public init(
    link: Link = .objective, sorts: Bool = false, shifts: ConformalShifts? = nil, threshold: Float? = nil
  ) {
    self.link = link
    self.sorts = sorts
    self.shifts = shifts
    self.threshold = threshold
  }
}

/// A monotone function of margins: straight lines between knots, the first and last value beyond them.
public struct CalibrationCurve: Equatable, Sendable {
  /// Margins, strictly ascending; at least one.
  public var margins: [Float]
  /// The output at each margin, ascending, between 0 and 1.
  public var values: [Float]

  /// A curve through these knots.
  public init(margins: [Float], values: [Float]) {
    self.margins = margins
    self.values = values
  }
}

/// What is added to each output of a row (Romano, Patterson, Candès 2019, conformalised quantile regression; by group: Mondrian).
public struct ConformalShifts: Equatable, Sendable {
  /// The feature by whose value groups are told apart: a category's code or a whole number; nil: there is one group.
  public var feature: String?
  /// For rows of no group below, and missing values: one shift for each output.
  public var pooled: [Float]
  /// By the feature's value, a whole number in decimal digits: one shift for each output.
  public var groups: [String: [Float]]

  /// Shifts.
  public init(feature: String? = nil, pooled: [Float], groups: [String: [Float]] = [:]) {
    self.feature = feature
    self.pooled = pooled
    self.groups = groups
  }
}

/// A postprocessing that cannot be read, or is not of its model.
public struct PostprocessingError: Error, Equatable, Sendable {
  /// What is wrong.
  public var text: String
}
