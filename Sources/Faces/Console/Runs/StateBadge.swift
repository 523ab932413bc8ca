import Wire

/// A state in a word and a colour.
struct StateBadge: Sendable {
    let word: String
    /// The name of its style.
    let style: String

    init(word: String, style: String) {
        self.word = word
        self.style = style
    }

    init(_ state: StateWord) {
        style = state.hasFailed ? "failed" : state.rawValue.lowercased()
        word =
            switch state {
            case .pending: "Waiting"
            case .running: "Running"
            case .success: "Success"
            case .failed, .retryable: "Failed"
            case .resolved: "Resolved"
            case .cancelled: "Cancelled"
            }
    }
}
