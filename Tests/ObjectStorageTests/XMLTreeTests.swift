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

    @Test("what is neither element nor text is refused: processing instructions, types with entities")
    func instructions() throws {
        for document in ["<?x?><a/>", "<?xmnb?><a>", "<a><?x?></a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"] {
            let problem = #expect(throws: Problem.self) { try XMLTree.parse(Data(document.utf8)) }
            #expect(problem?.code == .dataInvalid)
        }
        let tree = try XMLTree.parse(Data("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b>&lt;1</b></a>".utf8))
        #expect(tree["b"] == "<1")
    }
}
