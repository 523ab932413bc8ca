package import Foundation
package import Kernel

/// One message to one person, so that the mail server's answer is about that person alone.
package struct Mail: Sendable {
    /// `local@domain`, without angle brackets. The same for every attempt: mail servers and programs that get the message
    /// twice know it by this.
    package let messageID: String
    package let to: Mailbox
    /// One line: control characters become spaces.
    package let subject: String
    package let date: Date
    package let text: String
    /// The same message as HTML, for programs that show it.
    package let html: String?

    /// - Throws: `invalidInput` if `messageID` has not the form of RFC 5322, section 3.6.4.
    package init(
        messageID: String, to: Mailbox, subject: String, date: Date, text: String, html: String? = nil
    ) throws(Problem) {
        let parts = messageID.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, Mailbox.isLocalPart(parts[0]), Mailbox.isDomain(parts[1]) else {
            throw Problem(.invalidInput, "'\(messageID.prefix(80))' is no id of a message.")
        }
        self.messageID = messageID
        self.to = to
        self.subject = subject
        self.date = date
        self.text = text
        self.html = html
    }

    /// The message as it goes to the server (RFC 5322 and 2045), ASCII with lines of at most 78 characters. No line
    /// begins with a dot.
    func rendered(from: Mailbox) -> Data {
        var lines = [
            MailHeader.mailbox("From", from), MailHeader.mailbox("To", to), MailHeader.text("Subject", subject),
            "Date: \(MailHeader.date(date))", "Message-ID: <\(messageID)>", "MIME-Version: 1.0",
            // RFC 3834, section 5: vacation messages and the like do not answer it.
            "Auto-Submitted: auto-generated",
        ]
        if let html {
            // `=_` stands in no text that is encoded as quoted-printable or base64.
            let boundary = "=_weirhouse"
            lines += ["Content-Type: multipart/alternative; boundary=\"\(boundary)\"", ""]
            lines += ["--\(boundary)"] + part(text, type: "text/plain")
            lines += ["--\(boundary)"] + part(html, type: "text/html")
            lines += ["--\(boundary)--"]
        } else {
            lines += part(text, type: "text/plain")
        }
        return Data((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    private func part(_ text: String, type: String) -> [String] {
        let body = MailBody(text)
        return ["Content-Type: \(type); charset=utf-8", "Content-Transfer-Encoding: \(body.encoding)", ""] + body.lines
    }
}

/// Fields of a message's header.
enum MailHeader {
    /// RFC 5322, section 3.3, in UTC.
    static func date(_ date: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.weekday, .day, .month, .year, .hour, .minute, .second], from: date)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int?) -> String { String(format: "%02d", number ?? 0) }
        return
            "\(days[(parts.weekday ?? 1) - 1]), \(two(parts.day)) \(months[(parts.month ?? 1) - 1]) \(parts.year ?? 0) "
            + "\(two(parts.hour)):\(two(parts.minute)):\(two(parts.second)) +0000"
    }

    static func mailbox(_ field: String, _ mailbox: Mailbox) -> String {
        guard let name = mailbox.name.map(oneLine), !name.isEmpty else { return "\(field): <\(mailbox.address)>" }
        return folded(field, words(name, plain: isPhrase) + ["<\(mailbox.address)>"])
    }

    static func text(_ field: String, _ text: String) -> String {
        folded(field, words(oneLine(text)) { $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } })
    }

    /// Whatever could end the line becomes a space; runs of spaces become one.
    private static func oneLine(_ text: String) -> String {
        text.unicodeScalars.split {
            $0.value < 0x21 || (0x7F...0x9F).contains($0.value) || [0x2028, 0x2029].contains($0.value)
        }
        .map { String($0) }.joined(separator: " ")
    }

    /// RFC 5322, section 3.2.5: atoms. All other names are encoded, which quotes them too.
    private static func isPhrase(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            byte == 0x20 || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
    }

    /// Plain words, or encoded ones (RFC 2047) of at most 60 characters.
    private static func words(_ text: String, plain isPlain: (String) -> Bool) -> [String] {
        let plain = text.split(separator: " ").map { String($0) }
        if isPlain(text), !text.contains("=?"), plain.allSatisfy({ $0.utf8.count <= 60 }) { return plain }
        var words: [String] = []
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            // A character is never divided between two words (section 5).
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > 36 {
                words.append(encoded(bytes))
                bytes = []
            }
            bytes += next
        }
        return bytes.isEmpty ? words : words + [encoded(bytes)]
    }

    private static func encoded(_ bytes: [UInt8]) -> String { "=?utf-8?B?\(Data(bytes).base64EncodedString())?=" }

    /// RFC 5322, section 2.2.3.
    private static func folded(_ field: String, _ words: [String]) -> String {
        var lines = ["\(field):"]
        for word in words {
            if lines[lines.count - 1].utf8.count + 1 + word.utf8.count > 76, lines[lines.count - 1] != "\(field):" {
                lines.append(" \(word)")
            } else {
                lines[lines.count - 1] += " \(word)"
            }
        }
        return lines.joined(separator: "\r\n")
    }
}

/// A text in the shorter of the two encodings of RFC 2045, section 6.
struct MailBody {
    let encoding: String
    let lines: [String]

    init(_ text: String) {
        let textLines = Self.lines(of: text)
        let quoted = textLines.flatMap(Self.quotedPrintable)
        let base64 = Self.base64(textLines)
        let isShorter = quoted.reduce(0) { $0 + $1.utf8.count + 2 } <= base64.reduce(0) { $0 + $1.utf8.count + 2 }
        encoding = isShorter ? "quoted-printable" : "base64"
        lines = isShorter ? quoted : base64
    }

    /// Ended by CR LF, LF or CR, whichever.
    private static func lines(of text: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n") where index > 0 && bytes[index - 1] == UInt8(ascii: "\r"): start = index + 1
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                lines.append(bytes[start..<index])
                start = index + 1
            default: break
            }
        }
        if start < bytes.count || lines.isEmpty { lines.append(bytes[start...]) }
        return lines
    }

    private static func base64(_ lines: [ArraySlice<UInt8>]) -> [String] {
        let bytes = lines.flatMap { $0 + [UInt8(ascii: "\r"), UInt8(ascii: "\n")] }
        return stride(from: 0, to: bytes.count, by: 57).map { start in
            Data(bytes[start..<min(start + 57, bytes.count)]).base64EncodedString()
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Section 6.7. A dot at the beginning is encoded too: to a mail server it could mean the end.
    private static func quotedPrintable(_ line: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        var open: [UInt8] = []
        for (index, byte) in zip(line.indices, line) {
            // Room for the `=` that says that the line goes on.
            if open.count + (isPlain(byte, isFirst: false, isLast: index == line.endIndex - 1) ? 1 : 3) > 75 {
                lines.append(String(decoding: open + [UInt8(ascii: "=")], as: UTF8.self))
                open = []
            }
            if isPlain(byte, isFirst: open.isEmpty, isLast: index == line.endIndex - 1) {
                open.append(byte)
            } else {
                open += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return lines + [String(decoding: open, as: UTF8.self)]
    }

    private static func isPlain(_ byte: UInt8, isFirst: Bool, isLast: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "="): false
        case UInt8(ascii: "."): !isFirst
        case 0x20, 0x09: !isLast
        default: (0x21...0x7E).contains(byte)
        }
    }
}
