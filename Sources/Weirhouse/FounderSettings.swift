import Access
import Kernel

/// Who may make organizations.
enum Founders: String, Sendable {
    /// Whoever holds the data folder.
    case local
    /// Everybody who can sign in.
    case anyone

    /// - Throws: `invalidInput`.
    init(setting: String?) throws {
        guard let setting else {
            self = .local
            return
        }
        guard let known = Founders(rawValue: setting) else {
            throw Problem(.invalidInput, "WEIR_WHO_MAY_FOUND is \(setting.prefix(40)).", hint: "Use local or anyone.")
        }
        self = known
    }
}

extension Settings {
    /// What environments keep until somebody says otherwise.
    var retention: OrganizationBook.Retention {
        OrganizationBook.Retention(
            runs: Self.days(in: keepRuns), logs: Self.days(in: keepLogs), data: Self.days(in: keepData))
    }

    private static func days(in span: Duration) -> Int { Int(span.components.seconds / 86_400) }
}
