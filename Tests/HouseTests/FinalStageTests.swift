import Foundation
import Testing

/// The container's image holds the program and what it needs to run, nothing that made it.
@Suite struct FinalStageTests {
  @Test func theImageHoldsNoCompiler() throws {
    let stage = FinalStage(
      try String(contentsOf: Project.root.appendingPathComponent("Dockerfile"), encoding: .utf8))
    #expect(stage.objections.isEmpty)
    #expect(stage.packages.contains("librdkafka1") && stage.copied.contains("/out/tally"))
  }

  /// The check must bite.
  @Test func whatHasNoPlaceIsFound() {
    let dockerfile = """
      FROM swift:6.2 AS build
      RUN apt-get install -y libpq-dev
      COPY Sources ./Sources
      FROM --platform=linux/amd64 swift:6.2-bookworm-slim
      RUN apt-get update \\
       && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
            libpq5 libpq-dev=15.8 g++-12 clang \\
            curl \\
       && rm -rf /var/lib/apt/lists/* && curl -O https://example.com/swift.tar.gz
      # COPY nothing .
      COPY --from=build /out/tally /usr/local/bin/tally
      COPY Sources pipelines /src/
      """
    let stage = FinalStage(dockerfile)
    #expect(stage.packages == ["libpq5", "libpq-dev=15.8", "g++-12", "clang", "curl"])
    #expect(stage.copied == ["/out/tally", "Sources", "pipelines"])
    #expect(
      stage.objections == [
        "it begins from swift:6.2-bookworm-slim, not from a bare Debian", "it installs libpq-dev=15.8",
        "it installs g++-12", "it installs clang", "it copies Sources",
        "it runs curl -O https://example.com/swift.tar.gz",
      ])
  }
}
