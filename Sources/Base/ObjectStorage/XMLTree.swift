import Foundation
import FoundationXML
import Kernel

/// A small XML document as a tree. Entities of other files are not read, which is how `XMLParser` begins.
struct XMLTree {
    let name: String
    private(set) var text = ""
    private(set) var children: [XMLTree] = []

    /// - Throws: `dataInvalid` if it is no XML.
    static func parse(_ document: Data) throws(Problem) -> XMLTree {
        // Foundation's parser ends the process when a name holds bytes that are no UTF-8, and at a processing instruction
        // without data. S3 answers in UTF-8, and with nothing but its declaration before plain elements.
        guard let text = String(validating: document, as: UTF8.self) else {
            throw Problem(.dataInvalid, "The answer is no text in UTF-8.")
        }
        let plain = text.hasPrefix("<?xml ") ? text.dropFirst("<?xml ".count) : text[...]
        guard !plain.contains("<?"), !plain.contains("<!DOCTYPE") else {
            throw Problem(.dataInvalid, "The answer holds more than elements and text.")
        }
        let reader = Reader()
        let parser = XMLParser(data: document)
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else {
            throw Problem(.dataInvalid, "The answer is no XML.", cause: parser.parserError)
        }
        return root
    }

    /// The text of the first child of this name.
    subscript(_ name: String) -> String? { children.first { $0.name == name }?.text }

    private final class Reader: NSObject, XMLParserDelegate {
        private var open: [XMLTree] = []
        var root: XMLTree?

        func parser(
            _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
            attributes _: [String: String]
        ) {
            open.append(XMLTree(name: name))
        }

        func parser(_: XMLParser, foundCharacters text: String) {
            if !open.isEmpty { open[open.count - 1].text += text }
        }

        func parser(_: XMLParser, didEndElement _: String, namespaceURI _: String?, qualifiedName _: String?) {
            guard let closed = open.popLast() else { return }
            if open.isEmpty { root = closed } else { open[open.count - 1].children.append(closed) }
        }
    }
}
