public import Glibc

/// Lets a program that is being started have no descriptors from `lowest` on: other tests' connections, which not all libraries
/// close on exec, must end when those tests close them.
///
/// glibc has it since 2.34, but not among what Swift sees of it; where it is missing, the program keeps them.
public func closeDescriptors(from lowest: Int32, in actions: inout posix_spawn_file_actions_t) {
  typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
  guard let found = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
  _ = unsafeBitCast(found, to: AddCloseFrom.self)(&actions, lowest)
}
