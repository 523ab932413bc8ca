import API
import ArgumentParser
import Console
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// `weir routes`: every route that a server of this program has, with the permission that it takes, and the permission
/// table, as JSON. It reads the router itself, so that a route which was added past the faces is there too, as one that
/// takes nothing. The isolation test walks this list.
struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Print all routes and what they take.", shouldDisplay: false)

    @Option(help: "The data folder (WEIR_DATA).") var data: String?

    func run() async throws {
        let settings = try Settings.read(data: data, port: 0)
        let logger = Weirhouse.logger("routes", settings.log)
        let house = try House(settings, part: .server, connections: 1, logger: logger)
        try await ServerProcess(house: house, logger: logger) { router, operations in
            let console = try Console(
                operations: operations, assetsFolder: "\(settings.pythonHome)/assets", time: house.time)
            let table = RouteTable(Self.routes(of: router, declared: API.routes + console.routes))
            FileHandle.standardOutput.write(try WireJSON.encode(table) + Data("\n".utf8))
        }.serve()
    }

    /// What can be reached, with what was said of it. `HEAD` takes what `GET` does.
    private static func routes(of router: Router<ServerContext>, declared: [Route]) -> [Route] {
        let known = Dictionary(declared.map { ("\($0.method) \($0.path)", $0.permission) }) { first, _ in first }
        return router.routes.map { route in
            let method = route.method == .head ? "GET" : route.method.rawValue
            return Route(
                method: route.method.rawValue, path: route.path.description,
                permission: known["\(method) \(route.path.description)"] ?? nil)
        }
    }
}

/// What can be reached, and what it takes to.
private struct RouteTable: Encodable {
    let routes: [Route]
    /// What each role may.
    let roles: [String: [Permission]]
    /// Permissions that are asked for in an environment.
    let ofEnvironment: [Permission]
    /// Permissions that a role in one environment gives for the whole organization.
    let forAll: [Permission]

    init(_ routes: [Route]) {
        self.routes = routes
        let granted = Role.allCases.map { ($0.rawValue, $0.permissions.sorted { $0.rawValue < $1.rawValue }) }
        roles = Dictionary(granted) { first, _ in first }
        ofEnvironment = Permission.allCases.filter(\.isOfEnvironment)
        forAll = Permission.allCases.filter(\.isForAll)
    }
}
