import ArgumentParser

/// What the process ends with beside 0; a wrong command line ends with 64 (EX_USAGE).
extension ExitCode {
  /// EX_CONFIG of sysexits.h: the configuration is wrong or cannot be read.
  static let badConfiguration = ExitCode(78)
}
