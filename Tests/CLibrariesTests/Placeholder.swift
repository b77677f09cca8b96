import Testing

@testable import CLibraries
