import Configuration
import HTTP
import Memory

/// A template made ready for being written: steps in plain numbers, and the bytes they mean.
///
/// `Worker.write(_:of:to:)` fills it in.
struct TextTemplate: Sendable {
  enum Step: Sendable {
    /// Bytes of `text`.
    case text(start: Int, end: Int)
    case host
    case scheme
    case clientAddress
    case peerAddress
    case forwardedFor
    case method
    case target
    case requestID
    /// The first field of this name, which for `other` stands in `text`.
    case field(FieldName, start: Int, end: Int)
    /// One of the table's variables.
    case named(Int)
  }

  let steps: [Step]
  let text: [UInt8]
  /// Bytes that do not depend on the request, at most.
  let fixedCount: Int
  /// Parts that do: each is no longer than the request's head and some.
  let variableCount: Int
  /// Whether it asks for fields of the request's head.
  let needsHead: Bool

  /// - Parameter table: has every variable that the template names.
  init(_ template: Template, _ table: VariableTable) {
    var steps: [Step] = []
    var text: [UInt8] = []
    var (fixed, variables, needsHead) = (0, 0, false)
    for piece in template.pieces {
      switch piece {
      case .text(let more):
        steps.append(.text(start: text.count, end: text.count + more.utf8.count))
        text += Array(more.utf8)
        fixed += more.utf8.count
      case .variable(.named(let name)):
        guard let index = table.names.firstIndex(of: name) else { continue }
        steps.append(.named(index))
        let variable = table.variables[index]
        fixed += variable.fixedCount
        variables += variable.variableCount
        needsHead = needsHead || variable.needsHead
      case .variable(let variable):
        steps.append(Self.step(variable, &text))
        variables += 1
        switch variable {
        case .header, .forwardedFor: needsHead = true
        default: break
        }
      }
    }
    self.steps = steps
    self.text = text
    fixedCount = fixed
    variableCount = variables
    self.needsHead = needsHead
  }

  private static func step(_ variable: Variable, _ text: inout [UInt8]) -> Step {
    switch variable {
    case .host: return .host
    case .scheme: return .scheme
    case .clientAddress: return .clientAddress
    case .peerAddress: return .peerAddress
    case .forwardedFor: return .forwardedFor
    case .method: return .method
    case .target: return .target
    case .requestID: return .requestID
    case .named: preconditionFailure("the table has those")
    case .header(let name):
      let bytes = Array(name.lowercased().utf8)
      text += bytes
      return .field(
        FieldName(bytes.span, Slice(0..<bytes.count)), start: text.count - bytes.count,
        end: text.count)
    }
  }

  /// Bytes that it has at most for a request whose head is so long.
  func limit(headLength: Int) -> Int {
    fixedCount + variableCount * (headLength + Self.longestOwnValue)
  }

  /// What a variable may have that is not from the request's head: addresses, an id.
  private static let longestOwnValue = 128
}

/// The configuration's variables, each made of those before it.
struct VariableTable: Sendable {
  struct Row: Sendable {
    /// In lower case.
    let key: [UInt8]
    let value: TextTemplate
  }

  struct Variable: Sendable {
    let subject: TextTemplate?
    let rows: [Row]
    let standard: TextTemplate

    /// What the variable is when the subject is what `buffer` holds from `start` on.
    func value(for buffer: borrowing ByteBuffer, from start: Int) -> TextTemplate {
      let subject = buffer.readable.extracting(start..<buffer.count)
      for row in rows where CaselessText.isSame(row.key.span, subject) { return row.value }
      return standard
    }

    /// The subject is written for a moment, in front of the value.
    var fixedCount: Int { subject.map(\.fixedCount).map { max($0, longestFixed) } ?? longestFixed }
    var variableCount: Int {
      max(subject?.variableCount ?? 0, values.map(\.variableCount).max() ?? 0)
    }
    var needsHead: Bool { (subject?.needsHead ?? false) || values.contains(where: \.needsHead) }

    private var values: [TextTemplate] { rows.map(\.value) + [standard] }
    private var longestFixed: Int { values.map(\.fixedCount).max() ?? 0 }
  }

  private(set) var names: [String] = []
  private(set) var variables: [Variable] = []

  /// - Parameter settings: name each other without circles, as the configuration's checks see to.
  init(_ settings: [VariableSettings]) {
    var pending = settings
    while !pending.isEmpty {
      let waiting = Set(pending.map(\.name))
      let ready = pending.filter { waiting.isDisjoint(with: Self.names(in: $0)) }
      guard !ready.isEmpty else { return }
      for setting in ready {
        let variable = Variable(
          subject: setting.subject.map { TextTemplate($0, self) },
          rows: setting.map.map {
            Row(key: Array($0.key.lowercased().utf8), value: TextTemplate($0.value, self))
          }, standard: TextTemplate(setting.standard, self))
        names.append(setting.name)
        variables.append(variable)
      }
      pending.removeAll { setting in ready.contains { $0.name == setting.name } }
    }
  }

  private static func names(in setting: VariableSettings) -> [String] {
    let templates =
      [setting.subject, setting.standard].compactMap { $0 } + setting.map.map(\.value)
    return templates.flatMap(\.variables).compactMap {
      if case .named(let name) = $0 { name } else { nil }
    }
  }
}
