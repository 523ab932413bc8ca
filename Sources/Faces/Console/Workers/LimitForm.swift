import Foundation
import Kernel
import Wire

/// The forms of limits and of their pauses.
struct LimitForm: Sendable {
    var key: String?
    var most = ""
    var seconds = ""

    init() {}

    init(_ form: Form) {
        key = form["key"]
        most = form["most"] ?? ""
        seconds = form["seconds"] ?? ""
    }

    /// Both numbers empty take the limit away.
    /// - Throws: `invalidInput` for what is no number.
    func request() throws -> LimitRequest {
        LimitRequest(
            key: try Self.key(key), most: try Self.whole(most, "How many at once"),
            secondsBetweenStarts: try seconds.isEmpty ? nil : Self.seconds(seconds))
    }

    /// - Throws: `invalidInput` for minutes that are no number.
    static func pause(_ form: Form) throws -> LimitPauseRequest {
        LimitPauseRequest(
            key: try key(form["key"]), minutes: try whole(form["minutes"] ?? "", "For how many minutes"),
            because: form["because"])
    }

    static func key(_ text: String?) throws -> String {
        guard let text else {
            throw Problem(.invalidInput, "It is not said what the limit is for.", hint: "Choose it in the list.")
        }
        return text
    }

    static func whole(_ text: String, _ what: String) throws -> Int? {
        if text.isEmpty { return nil }
        guard let number = Int(text), number > 0 else {
            throw Problem(.invalidInput, "\(what) is no whole number.", hint: "Write 1 or more, or leave it empty.")
        }
        return number
    }

    /// `60`, `0.5`.
    static func number(_ number: Double) -> String { String(format: "%g", number) }

    private static func seconds(_ text: String) throws -> Double {
        guard let number = Double(text), number > 0, number.isFinite else {
            throw Problem(
                .invalidInput, "The seconds between starts are no number.", hint: "Write 60, or leave it empty.")
        }
        return number
    }
}
