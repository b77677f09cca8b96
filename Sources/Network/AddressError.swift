/// Why a text is no address, block or endpoint, and where in it.
public struct AddressError: Error, Hashable, Sendable {
  public enum Reason: Hashable, Sendable {
    case notAnAddress
    case badPrefixLength
    case empty
    case missingPort
    case badPort
    /// An IPv6 address before a port without brackets around it.
    case missingBrackets
    case unclosedBracket
    /// A character that no host name has, or a label that is empty or too long.
    case badHostName
    /// Only a listener's address may go without a host.
    case missingHost
  }

  public let reason: Reason
  /// In bytes from the beginning of the text.
  public let offset: Int

  public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

extension AddressError: CustomStringConvertible {
  /// What is wrong and what would be right, to follow the quoted text: `is not …`.
  public var description: String {
    switch reason {
    case .notAnAddress:
      "is not an IP address; write it like 192.0.2.1 or 2001:db8::1"
    case .badPrefixLength:
      "has a bad prefix length; write it like 10.0.0.0/8 (0 to 32) or 2001:db8::/32 (0 to 128)"
    case .empty:
      "is empty; write an address like name:8000"
    case .missingPort:
      "names no port; write it like name:8000"
    case .badPort:
      "has a bad port; a port is a number from 0 to 65535"
    case .missingBrackets:
      "is an IPv6 address without brackets; write it like [2001:db8::1]:8000"
    case .unclosedBracket:
      "opens a bracket that does not close; write it like [2001:db8::1]:8000"
    case .badHostName:
      "is not a host name; labels of letters, digits, '-' and '_' are separated by dots"
    case .missingHost:
      "names no host; write it like name:8000"
    }
  }
}
