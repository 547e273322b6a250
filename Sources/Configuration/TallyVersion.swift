/// The version of this program; CHANGELOG.md's newest entry has the same.
package enum TallyVersion {
  package static let current = "0.3.0"
}
