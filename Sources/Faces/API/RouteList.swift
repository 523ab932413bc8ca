import HTTPTypes
package import Wire

extension API {
    /// All routes that `addRoutes` adds, and what each takes. `HEAD` is not listed: it takes what `GET` does.
    package static var routes: [Route] {
        Endpoint.all.flatMap { endpoint in
            ([endpoint.path] + endpoint.shadowed).map { path in
                Route(method: endpoint.method.rawValue, path: path, permission: endpoint.permission)
            }
        }
    }
}
