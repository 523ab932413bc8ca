import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import Roles
import Wire

/// SCIM 2.0 for users (RFC 7644): a company's directory says who belongs to an organization, and above all who does not
/// any more. Its token is one with the right `signin.manage`.
struct DirectoryRoutes: Sendable {
    private static let most = 200
    private static let users = "/scim/v2/Users"

    let api: API

    /// One route: how it is reached and what it does.
    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: String
        fileprivate let action: Action
    }

    fileprivate typealias Action =
        @Sendable (DirectoryRoutes, Request, @Sendable () throws -> PrincipalID, Caller) async throws -> Response

    /// What all of them take.
    static let permission = Permission.signInManage

    /// All routes of the directory.
    static let all: [Route] = {
        let one = "\(users)/{id}"
        return [
            Route(method: .get, path: "/scim/v2/ServiceProviderConfig") { _, _, _, _ in .scim(configuration) },
            Route(method: .get, path: users) { face, request, _, caller in try await face.list(request, caller) },
            Route(method: .post, path: users) { face, request, _, caller in
                let change = try DirectoryResource.change(try await body(request))
                let user = try await face.operations.addDirectoryUser(change, as: caller)
                return .scim(DirectoryResource.value(user), status: .created)
            },
            Route(method: .get, path: one) { face, _, id, caller in
                .scim(DirectoryResource.value(try await face.operations.directoryUser(id(), as: caller)))
            },
            Route(method: .put, path: one) { face, request, id, caller in
                try await face.change(id(), DirectoryResource.change(try await body(request)), caller)
            },
            Route(method: .patch, path: one) { face, request, id, caller in
                try await face.change(id(), DirectoryPatch.change(try await body(request)), caller)
            },
            // The member stays, without access, so that what they did keeps a name.
            Route(method: .delete, path: one) { face, _, id, caller in
                _ = try await face.operations.changeDirectoryUser(id(), DirectoryChange(isActive: false), as: caller)
                return Response(status: .noContent)
            },
        ]
    }()

    func add(to router: Router<some RequestContext>) {
        for route in Self.all {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                await answer(request, id: context.parameters.get("id"), route)
            }
        }
    }

    private var operations: any Operations { api.operations }

    private func answer(_ request: Request, id text: String?, _ route: Route) async -> Response {
        let correlation = api.makeCorrelation()
        do {
            let token = try bearerToken(in: request.headers)
            let caller = try await api.attempts.attempt(token) { try await operations.caller(token: token) }
            try await operations.admit(caller, to: Self.permission, at: "\(route.method.rawValue) \(route.path)")
            let id: @Sendable () throws -> PrincipalID = {
                guard let id = text.flatMap({ PrincipalID($0) }) else {
                    throw Problem(.notFound, "There is no such user.", hint: nil)
                }
                return id
            }
            return try await route.action(self, request, id, caller)
        } catch {
            let refusal = Refusal(wrapping: error)
            if refusal.status >= 500 { api.report(refusal.problem, of: request, correlation: correlation) }
            return .scim(refusal, correlation: correlation)
        }
    }

    private func list(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = Self.fields(of: request)
        func value(_ name: String) -> String? { fields[name] }
        let start = max(1, value("startIndex").flatMap { Int($0) } ?? 1)
        let count = min(max(0, value("count").flatMap { Int($0) } ?? Self.most), Self.most)
        guard start <= 1_000_000_000 else { throw Refusal.invalid("startIndex is too large.") }
        let page = try await operations.directoryUsers(
            email: try value("filter").map(Self.email(inFilter:)), offset: start - 1, limit: count, as: caller)
        return .scim([
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": .integer(page.total),
            "startIndex": .integer(start), "itemsPerPage": .integer(page.users.count),
            "Resources": .list(page.users.map(DirectoryResource.value)),
        ])
    }

    /// Directories write blanks as `+`, as forms do.
    private static func fields(of request: Request) -> [String: String] {
        let pairs = (request.uri.query ?? "").split(separator: "&").compactMap { pair -> (String, String)? in
            let parts = pair.replacing("+", with: " ").split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = parts[1].removingPercentEncoding else { return nil }
            return (String(parts[0]), value)
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// `userName eq "…"`, which is what directories ask before they make a user (RFC 7644, section 3.4.2.2).
    private static func email(inFilter filter: String) throws -> String {
        guard let parts = filter.wholeMatch(of: /\s*(\w+)\s+[eE][qQ]\s+"([^"\\]*)"\s*/),
            parts.1.lowercased() == "username"
        else { throw Refusal.invalid("Only the filter userName eq \"…\" is known.") }
        return String(parts.2)
    }

    private func change(_ id: PrincipalID, _ change: DirectoryChange, _ caller: Caller) async throws -> Response {
        .scim(DirectoryResource.value(try await operations.changeDirectoryUser(id, change, as: caller)))
    }

    private static func body(_ request: Request) async throws -> AnyJSON {
        let bytes: ByteBuffer
        do {
            bytes = try await request.body.collect(upTo: Call.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw Refusal.invalid("The body is larger than 1 MB, the most that is taken.", status: 413)
        }
        guard let value = try? JSONDecoder().decode(AnyJSON.self, from: Data(bytes.readableBytesView)),
            case .object = value
        else { throw Refusal.invalid("The body is no JSON object.") }
        return value
    }

    /// RFC 7643, section 5.
    private static let configuration: AnyJSON = [
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": ["supported": .bool(true)],
        "bulk": ["supported": .bool(false), "maxOperations": .integer(0), "maxPayloadSize": .integer(0)],
        "filter": ["supported": .bool(true), "maxResults": .integer(most)],
        "changePassword": ["supported": .bool(false)], "sort": ["supported": .bool(false)],
        "etag": ["supported": .bool(false)],
        "authenticationSchemes": [
            [
                "type": "oauthbearertoken", "name": "Bearer token",
                "description": "A token of Weirhouse with the scope signin.manage",
            ]
        ],
    ]
}

extension Response {
    fileprivate static func scim(_ value: AnyJSON, status: HTTPResponse.Status = .ok) -> Response {
        // Not WireJSON: SCIM's names are camelCase.
        let data = (try? JSONEncoder().encode(value)) ?? Data()
        return Response(
            status: status, headers: [.contentType: "application/scim+json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    /// RFC 7644, section 3.12.
    fileprivate static func scim(_ refusal: Refusal, correlation: String) -> Response {
        var error: [String: AnyJSON] = [
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": .text("\(refusal.status)"),
            "detail": .text(refusal.problem.detail),
        ]
        if refusal.status == 409 { error["scimType"] = "uniqueness" }
        if refusal.status == 400 { error["scimType"] = "invalidValue" }
        var response = Response.scim(.object(error), status: .init(code: refusal.status))
        response.headers[.correlation] = correlation
        if refusal.status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}
