import Glibc
import XGBoost

extension Objective.Transform {
  /// Makes outputs of a row's margins, which lie `step` floats apart, in the operations and the precision of XGBoost 1.7
  /// (src/common/math.h).
  func apply(
    _ margins: UnsafePointer<Float>, _ groups: Int, step: Int, into output: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .identity: for group in 0..<groups { output[group] = margins[group * step] }
    case .logistic:
      for group in 0..<groups {
        // The library adds 1e-16 as well, which changes no float of at least one.
        output[group] = 1 / (expf(min(-margins[group * step], 88.7)) + 1)
      }
    case .exponential: for group in 0..<groups { output[group] = expf(margins[group * step]) }
    case .sorted:
      // The library's insertion (src/objective/quantile_obj.cu, 3.4): equal values, 0 and -0 among them, keep their order.
      for group in 0..<groups {
        let value = margins[group * step]
        var place = group
        while place > 0 && output[place - 1] > value {
          output[place] = output[place - 1]
          place -= 1
        }
        output[place] = value
      }
    case .softmax:
      var best = 0
      for group in 0..<groups where margins[group * step] > margins[best * step] { best = group }
      output[0] = Float(best)
    case .softprob:
      var highest = margins[0]
      for group in 0..<groups { highest = max(highest, margins[group * step]) }
      var sum = 0.0
      for group in 0..<groups {
        output[group] = expf(margins[group * step] - highest)
        sum += Double(output[group])
      }
      for group in 0..<groups { output[group] /= Float(sum) }
    }
  }
}
