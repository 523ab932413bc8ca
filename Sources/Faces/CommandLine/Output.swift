import ArgumentParser
import Foundation
import Glibc
import Kernel

/// Standard output or standard error, and what is known of the terminal behind it.
struct Output: Sendable {
    let descriptor: Int32

    /// The process's own; a test puts a file in their place.
    @TaskLocal static var standardOutput = Output(descriptor: STDOUT_FILENO)
    @TaskLocal static var standardError = Output(descriptor: STDERR_FILENO)

    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// How to draw on it: plain unless it is a terminal.
    var style: Style {
        let environment = ProcessInfo.processInfo.environment
        guard isTerminal, environment["TERM"] != "dumb" else { return .plain }
        let locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
        return Style(
            width: terminalWidth,
            hasColor: (environment["NO_COLOR"] ?? "").isEmpty,
            hasUnicode: locale.uppercased().contains("UTF-8") || locale.uppercased().contains("UTF8"))
    }

    private var terminalWidth: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line. A reader that has gone is no error here.
    func say(_ text: String) { try? write(Array((text + "\n").utf8)) }

    /// Writes text as it is.
    func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// - Throws: `ExitCode` 1 when the reader has gone (as `head` does), `Problem` when it cannot be written.
    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw ExitCode.failure
            } else if errno != EINTR && errno != EAGAIN {
                let reason = String(cString: strerror(errno))
                throw Problem(errno == ENOSPC ? .diskFull : .internal, "The output cannot be written: \(reason).")
            }
        }
    }
}

/// What a rendering may use.
struct Style: Sendable, Equatable {
    /// Columns of the terminal; nil where nothing is cut: files and pipes.
    var width: Int?
    var hasColor: Bool
    var hasUnicode: Bool

    static let plain = Style(width: nil, hasColor: false, hasUnicode: true)

    func dim(_ text: String) -> String { hasColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
    func green(_ text: String) -> String { hasColor ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
    func red(_ text: String) -> String { hasColor ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
    func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    var ellipsis: String { hasUnicode ? "…" : "~" }
}
