import Testing

@testable import Modeling

@Suite struct RedactionTests {
    @Test(
        arguments: [
            ("cannot connect: host=x password=hunter2 port=1", "cannot connect: host=x password=••• port=1"),
            ("postgres://me:hunter2@host/db", "postgres://me:•••@host/db"),
            ("two\nlines  \u{1B}[31mred\u{1B}[0m", "two lines red"),
            ("the value abcdef123 stands", "the value ••• stands"),
            ("database lake", "database lake"),
        ])
    func `messages lose their secrets and fit on one line`(message: String, expected: String) {
        #expect(Redaction(["abcdef123", "lake"]).line(message) == expected)
    }
}
