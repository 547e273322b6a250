import Dataflow

/// The process died here: everything after it fails too.
struct Crash: Error {}

/// A call of a port, as the simulation sees it.
struct Call {
  /// Who answers it.
  enum Service: Int, CaseIterable {
    case broker
    case store
    case table
    case models
  }

  var name: String
  var service: Service
}

/// One life of a process: from its start to its end, or its crash.
final class Life {
  unowned let world: World
  /// Process that it is a life of, which names its transactions.
  let process: Int
  /// Number among all lives of the run.
  let number: Int
  let plan: LifePlan
  /// `World.logChanges` when it began.
  var logChanges = 0
  var task: Scheduler.Task?
  /// Asks the worker to stop.
  var stop: () -> Void = {}
  lazy var member = GroupMember(self)
  /// Waits for the wake with this token.
  var token = 0
  private(set) var isDead = false
  /// Until then it refuses every set of models that is proposed; or its acknowledgements are lost.
  var refusesUntil: Int64 = 0
  var isUnheardUntil: Int64 = 0
  private(set) var isPaused = false
  /// Whether records or changes of the group end its wait.
  var isListening = false
  /// Whether the worker has ended.
  var isOver = false

  init(_ world: World, process: Int, number: Int, plan: LifePlan) {
    self.world = world
    self.process = process
    self.number = number
    self.plan = plan
  }

  /// Process and number of the life.
  var name: String { "worker \(process).\(number)" }

  /// Every call begins here: time passes, others act, faults happen. Returns the fault that takes place after the effect.
  func arrive(_ call: Call, _ detail: () -> String) throws -> FaultKind? {
    if isDead { throw Crash() }
    let step = try world.step(of: self)
    var latency = world.latency(step)
    var fault: FaultKind?
    if let (kind, drawn) = world.fault(at: step, self) {
      var draw = drawn
      world.note(self, call, detail, fault: kind)
      if kind.isOfCall { fault = kind } else { world.inject(kind, self, &draw) }
      if isDead { throw Crash() }
      switch kind {
      case .crashBefore:
        die()
        throw Crash()
      case .slow: latency = draw.milliseconds(50...900)
      case .pause: try pause(for: draw.milliseconds(20...2000))
      case .twin:
        world.start(process, after: draw.milliseconds(1...100))
        try pause(for: draw.milliseconds(20...2000))
      default: break
      }
    } else {
      world.note(self, call, detail, fault: nil)
    }
    try wait(latency)
    if fault == .fails { throw PortError(.unavailable, "injected", cause: call.name) }
    if world.isAway(call.service) { throw PortError(.unavailable, "away", cause: call.name) }
    return fault
  }

  /// A call that changes nothing.
  func read<R>(
    _ name: String, of service: Call.Service, _ detail: @autoclosure () -> String = "", _ body: () throws -> R
  ) throws -> R {
    let call = Call(name: name, service: service)
    switch try arrive(call, detail) {
    case .crashAfter, .crashLate:
      die()
      throw Crash()
    case .answerLost, .late: throw PortError(.unavailable, "injected", cause: name)
    default: return try body()
    }
  }

  /// A call that changes something; `body` may run later, when nobody waits for it any more.
  func change<R>(
    _ name: String, of service: Call.Service, _ detail: @autoclosure () -> String = "",
    _ body: @escaping () throws -> R
  ) throws -> R {
    let call = Call(name: name, service: service)
    switch try arrive(call, detail) {
    case .crashAfter:
      _ = try body()
      die()
      throw Crash()
    case .crashLate:
      world.later(name, self) { _ = try? body() }
      die()
      throw Crash()
    case .answerLost:
      _ = try body()
      throw PortError(.unavailable, "injected: the answer is lost", cause: name)
    case .late:
      world.later(name, self) { _ = try? body() }
      throw PortError(.unavailable, "injected: takes effect later", cause: name)
    default: return try body()
    }
  }

  /// Lets others act for a while.
  func wait(_ micros: Int64) throws {
    world.suspend(self, for: micros)
    if isDead { throw Crash() }
  }

  /// Waits until something comes, at most so long.
  func listen(_ micros: Int64) throws {
    isListening = true
    defer { isListening = false }
    try wait(micros)
  }

  /// Something came: ends the wait of whoever listens.
  func wake() {
    guard isListening, !isPaused, !isDead else { return }
    world.wake(self)
  }

  /// The process is gone; its thread unwinds without effects.
  func die() {
    guard !isDead else { return }
    isDead = true
    member.died()
  }

  private func pause(for micros: Int64) throws {
    isPaused = true
    member.paused()
    defer { isPaused = false }
    try wait(micros)
    isPaused = false
    member.resumed()
  }
}
