import HTTPTypes
import Hummingbird
import Roles
package import Wire

/// Notes what is added to an `Entrance`, and what it takes.
final class RouteBook {
    private(set) var routes: [Route] = []

    func note(_ path: RouterPath, _ method: HTTPRequest.Method, _ permission: Permission?) {
        routes.append(Route(method: method.rawValue, path: path.description, permission: permission))
    }
}

extension Console {
    /// All routes that `addRoutes` adds, and what each takes.
    package var routes: [Route] {
        let book = RouteBook()
        addRoutes(to: Router(context: BasicRequestContext.self), noting: book)
        return book.routes
    }
}
