import HTTPTypes
package import Wire

extension API {
    /// All routes that `addRoutes` adds, and what each takes. `HEAD` is not listed: it takes what `GET` does.
    package static var routes: [Route] {
        let documented = Endpoint.all.flatMap { endpoint in
            ([endpoint.path] + endpoint.shadowed).map { path in
                Route(method: endpoint.method.rawValue, path: path, permission: endpoint.permission)
            }
        }
        let directory = DirectoryRoutes.all.map { route in
            Route(method: route.method.rawValue, path: route.path, permission: DirectoryRoutes.permission)
        }
        return documented + directory
    }
}
