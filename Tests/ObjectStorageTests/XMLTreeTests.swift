import Foundation
import Kernel
import Testing

@testable import ObjectStorage

@Suite("Answers in XML")
struct XMLTreeTests {
    @Test("bytes that are no UTF-8 are refused wherever they stand, and the process lives on")
    func badBytes() {
        for document in [
            "<a><Next\u{FF}Token>t</Next\u{FF}Token></a>", "<a b\u{FF}=\"c\"/>", "<\u{FF}/>", "<a>\u{FF}</a>",
        ] {
            // One byte 0xC6 for each mark: a letter that is cut off.
            let bytes = document.unicodeScalars.flatMap { $0 == "\u{FF}" ? [0xC6] : Array(String($0).utf8) }
            let problem = #expect(throws: Problem.self) { try XMLTree.parse(Data(bytes)) }
            #expect(problem?.code == .dataInvalid)
        }
    }
}
