/// Why a text is no YAML that we take, and where.
public struct YAMLError: Error, Equatable, Sendable {
  public enum Reason: Equatable, Sendable {
    /// What libyaml says: `problem`, and in which construct (`context`).
    case syntax(problem: String, context: String?)
    /// The text is larger than `YAMLParser.textBytesLimit`.
    case tooLarge
    /// Nested more deeply than `YAMLParser.depthLimit`, aliases followed.
    case tooDeep
    /// More values than `YAMLParser.nodesLimit`, each alias counted as what it stands for.
    case tooManyNodes
    case secondDocument
    case unknownAlias(String)
    /// An alias inside of what its own anchor names.
    case recursiveAlias(String)
    /// A list or mapping stands where a key should.
    case keyIsNoScalar
    case unknownTag(String)
    /// `<<` takes a mapping or a list of mappings.
    case badMerge
  }

  public let reason: Reason
  public let mark: YAMLMark

  public init(_ reason: Reason, at mark: YAMLMark) {
    self.reason = reason
    self.mark = mark
  }
}

extension YAMLError: CustomStringConvertible {
  public var description: String {
    switch reason {
    case .syntax(let problem, nil): problem
    case .syntax(let problem, let context?): "\(problem) \(context)"
    case .tooLarge: "more than \(YAMLParser.textBytesLimit) bytes"
    case .tooDeep: "nested more than \(YAMLParser.depthLimit) levels deep"
    case .tooManyNodes: "more than \(YAMLParser.nodesLimit) values, with aliases expanded"
    case .secondDocument: "a second document begins here"
    case .unknownAlias(let name): "no anchor &\(name) stands before this alias"
    case .recursiveAlias(let name): "the alias *\(name) stands for what it is a part of"
    case .keyIsNoScalar: "a list or mapping stands where a key should"
    case .unknownTag(let tag): "the tag \(tag) has no meaning here"
    case .badMerge: "<< takes a mapping or a list of mappings"
    }
  }
}
