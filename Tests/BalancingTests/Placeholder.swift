import Testing

@testable import Balancing
