import Testing

@testable import CommandLine

@Suite struct ServerSentEventsTests {
    private static let text = """
        \u{FEFF}retry: 2000

        : heartbeat

        event: run
        data: {"state":"RUNNING"}

        event: log
        id: 12
        data: {"text":"größe 😀"}

        data:first
        data: second
        id: 13

        id: 14

        event: unfinished
        data: never dispatched
        """

    private static let messages = [
        ServerSentEvents.Message(event: "run", data: #"{"state":"RUNNING"}"#, lastID: ""),
        ServerSentEvents.Message(event: "log", data: #"{"text":"größe 😀"}"#, lastID: "12"),
        ServerSentEvents.Message(event: "message", data: "first\nsecond", lastID: "13"),
    ]

    @Test("events are the same however the bytes are split", arguments: 1...40)
    func split(size: Int) {
        #expect(read(Array(Self.text.utf8), size: size) == Self.messages)
    }

    @Test("lines may end with LF, CR LF or CR", arguments: ["\n", "\r\n", "\r"], [1, 2, 3, 1000])
    func lineEnds(end: String, size: Int) {
        let bytes = Array(Self.text.replacing("\n", with: end).utf8)
        #expect(read(bytes, size: size) == Self.messages)
    }

    @Test("an id with a NUL and unknown fields are ignored; a field without a colon is empty")
    func oddFields() {
        let text = "id: 1\nid: 2\0\nother: x\nevent\ndata\n\n"
        #expect(read(Array(text.utf8), size: 7) == [ServerSentEvents.Message(event: "message", data: "", lastID: "1")])
    }

    private func read(_ bytes: [UInt8], size: Int) -> [ServerSentEvents.Message] {
        var parser = ServerSentEvents()
        return stride(from: 0, to: bytes.count, by: size).flatMap { start in
            parser.read(bytes[start..<min(start + size, bytes.count)])
        }
    }
}
