import Kernel
import Wire

/// The form of New source as it was sent.
struct CloneForm: Sendable {
    let address: String
    let source: String?
    let environment: String?
    private let password: Secret<String>
    /// Nil as long as the streams were not listed: all tables are meant.
    private let tables: [String]?

    init(_ form: Form) {
        address = form["address"] ?? ""
        source = form["source"]
        environment = form["environment"]
        password = Secret(form.raw("password") ?? "")
        tables = form["listed"] == nil ? nil : form.all("table")
    }

    /// The whole address, password included.
    /// - Throws: `invalidInput` if there is none.
    func connection() throws -> String {
        guard !address.isEmpty else {
            throw Problem(
                .invalidInput, "The connection address is missing.",
                hint: "Give it as postgresql://user@host:5432/database.")
        }
        return ConnectionAddress(address).with(password: password)
    }

    /// - Throws: `invalidInput` if it lacks something, naming it.
    func request() throws -> CloneRequest {
        if let tables, tables.isEmpty {
            throw Problem(.invalidInput, "No table is chosen.", hint: "Choose at least one table.")
        }
        if let source, !Slug.isValid(source) {
            throw Problem(
                .invalidInput, "The source's name may hold a-z, digits and _ only, and begins with a letter.",
                hint: "Try \(Slug.snakeCase(source)), or leave it empty.")
        }
        let place = try Place(named: environment)
        return CloneRequest(
            url: try connection(), organization: nil, environment: place.environment, source: source, tables: tables)
    }
}
