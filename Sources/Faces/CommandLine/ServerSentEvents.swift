/// A parser of `text/event-stream` (HTML standard, section 9.2.6) that takes bytes in any pieces.
struct ServerSentEvents {
    /// One event: its type, its data and the last id seen so far.
    struct Message: Equatable {
        var event: String
        var data: String
        var lastID: String
    }

    private var line: [UInt8] = []
    private var followsReturn = false
    private var isFirstLine = true
    private var event = ""
    private var data: [String] = []
    private var lastID = ""

    /// The events that these bytes complete.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [Message] {
        var messages: [Message] = []
        for byte in bytes {
            let endsPair = followsReturn && byte == UInt8(ascii: "\n")
            followsReturn = byte == UInt8(ascii: "\r")
            if endsPair { continue }
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                line.append(byte)
                continue
            }
            if let message = finishLine() { messages.append(message) }
        }
        return messages
    }

    private mutating func finishLine() -> Message? {
        var text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if isFirstLine, text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        isFirstLine = false
        if text.isEmpty { return dispatch() }
        take(text)
        return nil
    }

    private mutating func take(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : ""
        if value.first == " " { value.removeFirst() }
        switch parts[0] {
        case "event": event = String(value)
        case "data": data.append(String(value))
        case "id": if !value.contains("\0") { lastID = String(value) }
        // Comments (an empty name) keep the connection alive; other fields are not ours.
        default: break
        }
    }

    private mutating func dispatch() -> Message? {
        defer {
            event = ""
            data.removeAll()
        }
        guard !data.isEmpty else { return nil }
        return Message(event: event.isEmpty ? "message" : event, data: data.joined(separator: "\n"), lastID: lastID)
    }
}
