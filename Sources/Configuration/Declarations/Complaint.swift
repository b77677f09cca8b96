/// What is wrong with a text, and what would be right.
struct Complaint: Error, Equatable {
  /// To follow the quoted text: `is not a duration`.
  let problem: String
  let advice: [String]
  /// Which part of the text is meant, in Unicode scalars; nil is all of it.
  let part: Range<Int>?

  init(_ problem: String, _ advice: [String] = [], at part: Range<Int>? = nil) {
    self.problem = problem
    self.advice = advice
    self.part = part
  }
}
