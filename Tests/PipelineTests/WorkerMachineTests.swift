import Dataflow
import TestNumbers
import Testing

@testable import Pipeline

@Suite struct WorkerMachineTests {
  private static let partitions: [Int32] = [1, 4]

  @Test func aTurnLooksForTheEndThenTakesOverThenPolls() {
    var machine = WorkerMachine()
    #expect(machine.next(isUnsettled: false) == .poll)
    #expect(machine.polled(.assigned(Self.partitions), owned: [], hasPaused: false) == nil)
    #expect(machine.phase == .acquiring(Self.partitions))
    machine.beginTurn()
    #expect(machine.next(isUnsettled: true) == .settle)
    // Its end is still unknown: the group is served all the same.
    #expect(machine.next(isUnsettled: true) == .acquire(Self.partitions))
    machine.acquired(isGivenUp: false)
    #expect(machine.next(isUnsettled: true) == .poll)
    // Once a turn and first, also where the turn before has failed on its way.
    machine.beginTurn()
    #expect(machine.next(isUnsettled: true) == .settle)
    machine.beginTurn()
    #expect(machine.next(isUnsettled: true) == .settle)
    machine.beginTurn()
    #expect(machine.next(isUnsettled: false) == .poll)
    #expect(machine.next(isUnsettled: true) == .poll)
  }

  @Test func whatCannotBeTakenOverIsTriedAgain() {
    var machine = WorkerMachine()
    _ = machine.polled(.assigned(Self.partitions), owned: [], hasPaused: false)
    // Taking over threw: nothing was told.
    #expect(machine.next(isUnsettled: false) == .acquire(Self.partitions))
    #expect(machine.next(isUnsettled: false) == .acquire(Self.partitions))
    machine.acquired(isGivenUp: true)
    #expect(machine.phase == .idle && machine.next(isUnsettled: false) == .poll)
  }

  @Test func recordsAfterAPauseAreNotBelieved() {
    var machine = WorkerMachine()
    _ = machine.polled(.assigned(Self.partitions), owned: [], hasPaused: false)
    machine.acquired(isGivenUp: false)
    #expect(machine.polled(.records, owned: Self.partitions, hasPaused: false) == .process)
    #expect(machine.polled(.records, owned: Self.partitions, hasPaused: true) == nil)
    #expect(machine.phase == .acquiring(Self.partitions))
  }

  @Test func eachOutcomeHasItsAction() {
    var machine = WorkerMachine()
    #expect(machine.polled(.finished, owned: [], hasPaused: false) == .end)
    #expect(
      machine.polled(.unreadable(partition: 1, from: 5, until: 9, why: "w"), owned: [1], hasPaused: false)
        == .leaveOut(LeftOut(from: 5, until: 9, cause: .unreadable), of: 1, why: "w"))
    #expect(
      machine.polled(.stuck(partition: 1, from: 5, until: nil, why: "w"), owned: [1], hasPaused: false)
        == .wait(forOffset: 5, until: nil, of: 1, why: "w"))
    #expect(!machine.wasRevoked)
    #expect(machine.polled(.revoked([1], lost: true), owned: [1], hasPaused: true) == .giveBack(isLost: true))
    #expect(machine.wasRevoked && machine.phase == .idle)
  }

  /// Whatever happens: partitions are taken over before their records are worked off, and after a revocation nothing is until the group
  /// assigns again.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func neverWorksOnWhatWasNotTakenOver(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var machine = WorkerMachine()
    var isTaken = false
    var mayTake: [Int32]?
    for _ in 0..<2_000 {
      if Bool.random(using: &generator) { machine.beginTurn() }
      switch machine.next(isUnsettled: Int.random(in: 0..<4, using: &generator) == 0) {
      case .settle: break
      case .acquire(let partitions):
        #expect(partitions == mayTake, "seed \(seed)")
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: break  // threw
        case 1:
          machine.acquired(isGivenUp: true)
          mayTake = nil
        default:
          machine.acquired(isGivenUp: false)
          isTaken = true
        }
      case .poll:
        let owned = isTaken ? Self.partitions : []
        let hasPaused = isTaken && Int.random(in: 0..<8, using: &generator) == 0
        let outcome: PollOutcome =
          switch Int.random(in: 0..<6, using: &generator) {
          case 0: .assigned(Self.partitions)
          case 1: .revoked(owned, lost: Bool.random(using: &generator))
          default: .records
          }
        let action = machine.polled(outcome, owned: owned, hasPaused: hasPaused)
        switch outcome {
        case .assigned:
          mayTake = Self.partitions
          isTaken = false
        case .revoked:
          mayTake = nil
          isTaken = false
        default:
          #expect((action == .process) == !hasPaused, "seed \(seed)")
          guard isTaken else { continue }
          if hasPaused { isTaken = false }
          if action == .process, Int.random(in: 0..<6, using: &generator) == 0 {
            machine.mustAcquire(Self.partitions)
            isTaken = false
          } else if action == .process, Int.random(in: 0..<6, using: &generator) == 0 {
            machine.gaveUp()
            isTaken = false
            mayTake = nil
          }
        }
        if case .acquiring(let partitions) = machine.phase { #expect(partitions == mayTake, "seed \(seed)") }
        #expect((machine.phase == .reading) == isTaken, "seed \(seed)")
      default: Issue.record("no action of a turn, seed \(seed)")
      }
    }
  }
}
