import Kernel
import Wire

/// A user as SCIM writes it (RFC 7643, section 4.1). `userName` is the e-mail address.
enum DirectoryResource {
    static func value(_ user: DirectoryUser) -> AnyJSON {
        [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": .text(user.id.description),
            "userName": .text(user.email), "displayName": .text(user.display), "active": .bool(user.isActive),
            "emails": [["value": .text(user.email), "type": "work", "primary": .bool(true)]],
            "meta": [
                "resourceType": "User", "created": .text(user.createdAt), "lastModified": .text(user.changedAt),
                "location": .text("/scim/v2/Users/\(user.id)"),
            ],
        ]
    }

    /// What a whole user says; what is not kept here is passed over.
    /// - Throws: `Refusal` (400) for a user without `userName`, or members of a wrong kind.
    static func change(_ user: AnyJSON) throws -> DirectoryChange {
        guard case .text(let email)? = user.member("userName") else { throw Refusal.invalid("userName is missing.") }
        return DirectoryChange(
            email: email, display: shownName(user), isActive: try user.member("active").map(isActive) ?? true)
    }

    private static func shownName(_ user: AnyJSON) -> String? {
        if let name = text(user.member("displayName")) ?? text(user.member("name")?.member("formatted")) { return name }
        let parts = ["givenName", "familyName"].compactMap { text(user.member("name")?.member($0)) }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    static func text(_ value: AnyJSON?) -> String? {
        if case .text(let text)? = value, !text.isEmpty { text } else { nil }
    }

    /// Entra ID writes `"False"` unless it is told to keep to the standard.
    static func isActive(_ value: AnyJSON) throws -> Bool {
        switch value {
        case .bool(let bool): return bool
        case .text(let text) where text.lowercased() == "true": return true
        case .text(let text) where text.lowercased() == "false": return false
        default: throw Refusal.invalid("active is true or false.")
        }
    }
}

/// Changes to a user (RFC 7644, section 3.5.2).
enum DirectoryPatch {
    private static let mostOperations = 100

    /// What the operations come to. Members that are not kept here are passed over.
    /// - Throws: `Refusal` (400).
    static func change(_ patch: AnyJSON) throws -> DirectoryChange {
        guard case .list(let operations)? = patch.member("Operations"), !operations.isEmpty,
            operations.count <= mostOperations
        else { throw Refusal.invalid("Operations are missing, or more than \(mostOperations).") }
        var change = DirectoryChange()
        for operation in operations { try apply(operation, to: &change) }
        return change
    }

    private static func apply(_ operation: AnyJSON, to change: inout DirectoryChange) throws {
        let name = DirectoryResource.text(operation.member("op"))?.lowercased()
        guard name == "add" || name == "replace" else {
            guard name == "remove" else { throw Refusal.invalid("An operation is add, replace or remove.") }
            let path = DirectoryResource.text(operation.member("path"))?.lowercased() ?? ""
            guard !["", "active", "username"].contains(path) else {
                throw Refusal.invalid("\(path) cannot be removed.")
            }
            return
        }
        guard let value = operation.member("value") else { throw Refusal.invalid("An operation has no value.") }
        if let path = DirectoryResource.text(operation.member("path")) {
            try set(path, value, in: &change)
        } else if case .object(let members) = value {
            for (path, value) in members { try set(path, value, in: &change) }
        } else {
            throw Refusal.invalid("Without a path the value is an object.")
        }
    }

    private static func set(_ path: String, _ value: AnyJSON, in change: inout DirectoryChange) throws {
        let path = path.lowercased().replacing("urn:ietf:params:scim:schemas:core:2.0:user:", with: "")
        switch path {
        case "active": change.isActive = try DirectoryResource.isActive(value)
        case "username": change.email = try requiredText(value, path)
        case "displayname", "name.formatted": change.display = try requiredText(value, path)
        default: break
        }
    }

    private static func requiredText(_ value: AnyJSON, _ path: String) throws -> String {
        guard let text = DirectoryResource.text(value) else { throw Refusal.invalid("\(path) is text.") }
        return text
    }
}

extension AnyJSON {
    /// A member by its name in any case (RFC 7643, section 2.1).
    fileprivate func member(_ name: String) -> AnyJSON? {
        guard case .object(let members) = self else { return nil }
        return members[name] ?? members.first { $0.key.lowercased() == name.lowercased() }?.value
    }
}
