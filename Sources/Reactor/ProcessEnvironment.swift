// `environ` is a variable of the C library; nothing in this process sets it.
@unsafe @preconcurrency private import Glibc

/// The environment variables that the process was started with.
public enum ProcessEnvironment {
  public static var variables: [String: String] {
    var variables: [String: String] = [:]
    var entry = unsafe environ
    // The list ends with a null pointer.
    while let text = unsafe entry.pointee {
      let line = unsafe String(cString: text)
      unsafe entry += 1
      guard let equals = line.firstIndex(of: "=") else { continue }
      // The first of two wins, as it does for getenv.
      let name = String(line[..<equals])
      if variables[name] == nil { variables[name] = String(line[line.index(after: equals)...]) }
    }
    return variables
  }
}
