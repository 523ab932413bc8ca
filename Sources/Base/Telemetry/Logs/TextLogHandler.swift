import Foundation
import Kernel
import Logging

/// Log lines for people: time, level, part and sentence; after it the words that the sentence does not say. Figures are
/// for programs.
struct TextLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let write: @Sendable (String) -> Void

    init(label: String, logLevel: Logger.Level, write: @escaping @Sendable (String) -> Void) {
        self.label = label
        self.logLevel = logLevel
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let message = event.message.description
        let rest = all(event.metadata).sorted { $0.key < $1.key }
            .filter { !Self.isFigure($0.value) }
            .map { (key: $0.key, text: "\($0.value)") }
            .filter { !$0.text.isEmpty && !message.contains($0.text) }
            .map { " \($0.key)=[\($0.text)]" }.joined()
        write("\(Date().rfc3339) \(event.level) \(label): \(message)\(rest)\n")
    }

    private static func isFigure(_ value: Logger.MetadataValue) -> Bool {
        if case .stringConvertible(let value) = value { value is Int || value is Double } else { false }
    }
}

extension LogHandler {
    /// The metadata of the handler, of its provider and of one line; the later wins.
    func all(_ own: Logger.Metadata?) -> Logger.Metadata {
        metadata.merging(metadataProvider?.get() ?? [:]) { _, new in new }.merging(own ?? [:]) { _, new in new }
    }
}
