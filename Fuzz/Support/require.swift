import Glibc

/// Ends the process with `text` when something that must hold does not; `precondition` would say nothing when optimised.
func require(_ holds: Bool, _ text: @autoclosure () -> String) {
  guard !holds else { return }
  print("Fatal error: \(text())")
  fflush(nil)
  abort()
}
