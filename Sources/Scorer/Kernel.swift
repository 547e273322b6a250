import CForest

/// The instructions that a forest is evaluated with. All give the same bits.
public enum Kernel: String, CaseIterable, Sendable {
  /// C with vectors of 16 bytes: SSE2 on x86-64, NEON on arm64.
  case portable
  /// AVX2: vectors of 32 bytes.
  case avx2
  /// AVX-512 with VBMI: vectors of 64 bytes, byte permutations, masks.
  case avx512

  /// Whether this machine has it.
  public var isAvailable: Bool { tally_kernel_is_available(code) != 0 }
  /// Those that this machine has, the best last.
  public static var available: [Kernel] { allCases.filter(\.isAvailable) }
  /// The best that this machine has.
  public static var best: Kernel { available.last ?? .portable }

  /// What can be chosen: `auto`, the best that this machine has, or one by name.
  public static let choices = ["auto"] + allCases.map(\.rawValue)

  /// A choice; nil: no choice, or one that this machine does not have.
  public init?(choice: String) {
    if choice == "auto" {
      self = .best
    } else if let named = Kernel(rawValue: choice), named.isAvailable {
      self = named
    } else {
      return nil
    }
  }

  var code: tally_kernel {
    switch self {
    case .portable: TALLY_KERNEL_PORTABLE
    case .avx2: TALLY_KERNEL_AVX2
    case .avx512: TALLY_KERNEL_AVX512
    }
  }
}
