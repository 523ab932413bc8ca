import Foundation
import Kernel
package import Logging

/// How a process logs: `WEIR_LOG` and `WEIR_LOG_LEVEL`.
package struct LogSettings: Sendable, Equatable {
    package enum Format: String, Sendable, CaseIterable {
        /// For people.
        case text
        /// One object per line, for programs.
        case json
    }

    package var format: Format
    package var level: Logger.Level

    package init(format: Format = .text, level: Logger.Level = .info) {
        self.format = format
        self.level = level
    }

    /// - Parameters: what the two variables hold; nil or empty for the default.
    /// - Throws: `invalidInput`.
    package init(format: String?, level: String?) throws {
        self.init()
        if let format, !format.isEmpty {
            guard let known = Format(rawValue: format.lowercased()) else {
                throw Problem(.invalidInput, "WEIR_LOG is \(format).", hint: "Use \(Self.words(Format.allCases)).")
            }
            self.format = known
        }
        if let level, !level.isEmpty {
            guard let known = Logger.Level(rawValue: level.lowercased()) else {
                throw Problem(
                    .invalidInput, "WEIR_LOG_LEVEL is \(level).", hint: "Use \(Self.words(Logger.Level.allCases)).")
            }
            self.level = known
        }
    }

    private static func words<Word: RawRepresentable<String>>(_ all: [Word]) -> String {
        let names = all.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or \(names.last ?? "")"
    }

    /// A handler for a logger named `weir.worker`, `weir.server` and so on.
    /// - Parameter write: takes one line with its line feed; standard error if nil.
    package func handler(label: String, write: (@Sendable (String) -> Void)? = nil) -> any LogHandler {
        let write = write ?? { line in StandardError.write(line) }
        switch format {
        case .text: return TextLogHandler(label: label, logLevel: level, write: write)
        case .json: return JSONLogHandler(label: label, logLevel: level, write: write)
        }
    }
}

/// Where log lines go.
package enum StandardError {
    /// In one write, so that the lines of several threads and processes do not mix.
    package static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Foundation.write(2, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            done += max(count, 0)
        }
    }
}
