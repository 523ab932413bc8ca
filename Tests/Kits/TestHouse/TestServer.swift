import Foundation
import Kernel
package import Postgres

/// The PostgreSQL server at WEIR_TEST_POSTGRES, a superuser's address.
package enum TestServer {
    /// The superuser's address with another database.
    /// - Throws: `missingDependency` if WEIR_TEST_POSTGRES is not set.
    package static func address(database: String) throws -> ConnectionAddress {
        guard let text = ProcessInfo.processInfo.environment["WEIR_TEST_POSTGRES"],
            var url = URLComponents(string: text)
        else {
            throw Problem(
                .missingDependency, "WEIR_TEST_POSTGRES names no PostgreSQL.", hint: "Use scripts/with-postgres.")
        }
        url.path = "/\(database)"
        return try ConnectionAddress(url.string ?? "")
    }

    /// Another user's address of a database.
    package static func address(database: String, user: String, password: String) throws -> ConnectionAddress {
        let administrator = try address(database: database)
        var url = URLComponents()
        url.scheme = "postgresql"
        url.user = user
        url.password = password
        url.host = administrator.parameters["host"]
        url.port = administrator.parameters["port"].flatMap { Int($0) }
        url.path = "/\(database)"
        return try ConnectionAddress(url.string ?? "")
    }

    /// Statements as the superuser, each by itself, in the maintenance database.
    package static func administer(_ statements: [String]) async throws {
        let connection = try await PGConnection.connect(address(database: "postgres").conninfo(session: [:]))
        for statement in statements { try await connection.script(statement) }
        await connection.close()
    }

    /// A name that no other test has, of `a-z` and digits.
    package static func uniqueName(_ purpose: String) -> String {
        "\(purpose)_\(UUID().uuidString.lowercased().replacing("-", with: "").prefix(12))"
    }
}

/// Bounds how many tests hold a database at once: the server has a limit of connections.
actor Turnstile {
    static let databases = Turnstile(places: 4)

    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { self.places = places }

    func enter() async {
        if places > 0 {
            places -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty {
            places += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

extension Result where Failure == any Error {
    /// What `work` returns or throws.
    package init(of work: () async throws -> Success) async {
        do {
            self = .success(try await work())
        } catch {
            self = .failure(error)
        }
    }
}
