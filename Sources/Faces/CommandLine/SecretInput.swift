import ArgumentParser
import Foundation
import Glibc
import Kernel

/// Values that must not stand among a command's arguments.
enum SecretInput {
    /// More than any store takes.
    private static let most = 64 * 1024

    /// - Throws: `invalidInput` if it cannot be read, is no text or is too long.
    static func read(file: String) throws -> String {
        guard let handle = FileHandle(forReadingAtPath: (file as NSString).expandingTildeInPath) else {
            throw Problem(.invalidInput, "The file \(file) cannot be read.", hint: "Check its name and rights.")
        }
        return try text(of: handle)
    }

    /// At a terminal nothing that is typed is shown.
    static func readStandardInput() throws -> String {
        guard isatty(STDIN_FILENO) == 1 else { return try text(of: .standardInput) }
        try? Output.standardError.write("Value (it is not shown): ")
        return try withoutEcho { try checked(readLine(strippingNewline: true) ?? "") }
    }

    /// - Throws: `ValidationError` where nobody can be asked.
    static func confirm(_ question: String) throws -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { throw ValidationError("Say --yes to revoke it.") }
        try? Output.standardError.write(question)
        return readLine(strippingNewline: true)?.lowercased() == "yes"
    }

    private static func text(of handle: FileHandle) throws -> String {
        let data = try handle.read(upToCount: most + 1) ?? Data()
        guard let text = String(data: data, encoding: .utf8) else {
            throw Problem(.invalidInput, "The value is no text in UTF-8.")
        }
        return try checked(text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }

    private static func checked(_ text: String) throws -> String {
        guard !text.isEmpty else {
            throw Problem(.invalidInput, "The value is empty.", hint: "Pipe it in, or use --file.")
        }
        guard text.utf8.count <= most else { throw Problem(.invalidInput, "The value is too long.") }
        return text
    }

    private static func withoutEcho<Value>(_ work: () throws -> Value) rethrows -> Value {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return try work() }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            Output.standardError.say("")
        }
        return try work()
    }
}
