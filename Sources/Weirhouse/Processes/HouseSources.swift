import Connecting
import DuckDB
import Ingestion
import Kernel
import Postgres
import PostgresConnector
import Secrets

extension House {
    /// Signs in to a source and lists its streams. Loads no DuckDB.
    /// - Throws: as `Source.check` and `discover`; `invalidInput` for an address that cannot be used.
    func inspectSource(_ url: String) async throws -> (SourceIdentity, [DiscoveredStream]) {
        let source = PostgresSource(
            address: try await sourceGuard.admit(url),
            duckDB: { throw Problem(.unsupported, "This process reads no data from sources.") })
        // Whatever answers there may never come to an end.
        let found = await Weirhouse.within(.seconds(120)) {
            () async -> Result<(SourceIdentity, [DiscoveredStream]), any Error> in
            do {
                return .success((try await source.check(), try await source.discover()))
            } catch {
                return .failure(error)
            }
        }
        guard let found else {
            throw Problem(
                .sourceUnreachable, "The source has not told in two minutes what it holds.",
                hint: "See what keeps it busy, or whether this is a PostgreSQL server.")
        }
        return try found.get()
    }

    /// Signs in to a source and looks whether it has what an order asks for. Nothing is kept. Loads no DuckDB.
    /// - Throws: as `inspectSource`; `sourceMissing` if it has not.
    func checkSource(_ url: String, for order: CloneOrder) async throws {
        let (_, streams) = try await inspectSource(url)
        guard try !StreamChoice(order).choose(from: streams).isEmpty else {
            throw Problem(.sourceMissing, "The source has no tables.", hint: "Check the database's name.")
        }
    }

    /// A source with its credentials, for one run.
    /// - Throws: `notFound` if its address is not kept any more.
    func openSource(
        _ order: CloneOrder, of organization: OrganizationID, _ duckDB: @escaping DuckOpener
    ) async throws -> any Source {
        let name = CloneRun.secretName(environment: order.environment, source: order.source)
        guard let address = try await secrets.get(name, of: organization) else {
            throw Problem(
                .notFound, "The address of the source \(order.source) is not kept.", hint: "Clone it with its address.")
        }
        return PostgresSource(
            address: try await sourceGuard.admit(String(decoding: address.reveal(), as: UTF8.self)), duckDB: duckDB)
    }
}
