/// Asks once more before something is gone.
struct ConfirmPage: Sendable {
    /// The area that it belongs to, and where to go if not.
    let area: String
    let back: String
    let question: String
    /// What goes and what stays.
    let text: String
    /// Where the answer is posted.
    let action: String
    let button: String
}
