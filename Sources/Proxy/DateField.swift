import HTTP
import Memory

/// The Date of our own responses (RFC 9110 §6.6.1), written anew once a second.
struct DateField: ~Copyable {
  private var second: UInt64 = 0
  private var text = ByteBuffer(capacity: 32)

  mutating func refresh(wall nanoseconds: UInt64) {
    let now = nanoseconds / 1_000_000_000
    guard now != second else { return }
    second = now
    text.clear()
    HTTPDate(seconds: Int64(now)).append(to: &text)
  }

  func write(_ writer: inout HeadWriter, to buffer: inout ByteBuffer) {
    writer.field("Date", text.readable, to: &buffer)
  }
}
