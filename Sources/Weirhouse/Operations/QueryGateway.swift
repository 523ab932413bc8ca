import Kernel
import ServiceLifecycle
import Logging
import Warehousing
import Wire

struct QueryGateway: Sendable {
    let house: House
    func health() async throws -> String { throw Problem(.engineUnavailable, "soon") }
    func rows(_ sql: String, limit: Int, in place: WarehousePlace) async throws -> QueryTable { throw Problem(.engineUnavailable, "soon") }
    func export(_ sql: String, as format: QueryFormat, in place: WarehousePlace) async throws -> AsyncThrowingStream<[UInt8], any Error> { throw Problem(.engineUnavailable, "soon") }
    func tables(in place: WarehousePlace) async throws -> [SchemaView] { [] }
}
struct EngineProcess: Service {
    init(settings: Settings, logger: Logger) throws {}
    func run() async throws { try? await gracefulShutdown() }
}
