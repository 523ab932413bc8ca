import Foundation
import Kernel

/// The terms that people agree to before they use the console: where they stand, and which version is in force.
struct TermsSettings: Sendable, Equatable {
    let url: String
    let version: String

    /// Nil if neither is set.
    /// - Throws: `invalidInput` if only one is, or if the address is none.
    static func read(url: String?, version: String?) throws -> TermsSettings? {
        guard url != nil || version != nil else { return nil }
        guard let url, let version, (1...100).contains(version.unicodeScalars.count) else {
            throw Problem(
                .invalidInput, "WEIR_TERMS_URL and WEIR_TERMS_VERSION belong together.",
                hint: "Set both, the version with at most 100 characters, or neither.")
        }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host != nil,
            url.utf8.count <= 500
        else {
            throw Problem(
                .invalidInput, "WEIR_TERMS_URL is no address.", hint: "Write it like https://acme.example/terms.")
        }
        return TermsSettings(url: url, version: version)
    }
}
