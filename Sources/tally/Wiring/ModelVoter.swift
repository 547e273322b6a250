import Dispatch
import FeatureStore
import Foundation
import Metrics
import Operations
import Synchronization

/// Says in Redis that this process is alive, and whether it can score with a set of models that is proposed: it loads and checks the set
/// first. On queues and a connection of its own; when Redis does not answer, it tries again.
final class ModelVoter: @unchecked Sendable {
  private let queue = DispatchQueue(label: "tally votes")
  private let loading = DispatchQueue(label: "tally proposed models")
  private let timer: any DispatchSourceTimer
  private let loader: ModelSetLoader
  private let metrics: PipelineMetrics
  private let id: String
  /// The queue's alone, as is `token`.
  private let proposals: RedisProposals
  /// Of the proposal that was taken up last.
  private var token = ""
  /// Whether Redis was not reached last time.
  private var isUnheard = false
  /// Answers that are still to be sent: a refusal, or empty.
  private let answers = Mutex<[(token: String, refusal: String)]>([])
  private static let periodMs = 500

  /// Begins.
  init(_ proposals: RedisProposals, _ loader: ModelSetLoader, _ metrics: PipelineMetrics) {
    self.proposals = proposals
    self.loader = loader
    self.metrics = metrics
    id = "\(ProcessInfo.processInfo.hostName)/\(getpid())"
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now(), repeating: .milliseconds(Self.periodMs))
    timer.setEventHandler { [unowned self] in turn() }
    timer.resume()
  }

  /// Says that the process ends.
  func stop() {
    queue.sync {
      timer.cancel()
      try? proposals.leave(id)
      proposals.close()
    }
    loading.sync {}
  }

  private func turn() {
    while let answer = answers.withLock({ $0.first }) {
      guard (try? proposals.answer(id, to: answer.token, refusal: answer.refusal)) != nil else { return }
      answers.withLock { _ = $0.removeFirst() }
    }
    let found: ModelProposal?
    do {
      found = try proposals.beat(id)
      isUnheard = false
    } catch {
      // Who promotes would not know that this process has to be asked.
      if !isUnheard { warn("this process cannot be asked about models to come: \(error)") }
      isUnheard = true
      return
    }
    guard let proposal = found, proposal.token != token else { return }
    token = proposal.token
    loading.async { [self] in
      var refusal = ""
      do {
        try loader.prepare(proposal.set)
      } catch {
        refusal = "\(error)"
        metrics.refusedModels()
        warn("promotion \(proposal.number) to the set of models \(proposal.set) is refused: \(refusal)")
      }
      answers.withLock { $0.append((proposal.token, refusal)) }
      queue.async { [self] in if !timer.isCancelled { turn() } }
    }
  }
}

extension RedisProposals: ModelVotes {
  /// Proposes a set, in place of what was proposed.
  func propose(_ token: String, number: UInt64, set: String) throws {
    try propose(ModelProposal(token: token, number: number, set: set))
  }
}
