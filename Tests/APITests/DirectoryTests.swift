import Foundation
import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing
import Wire
import WireSamples

@testable import API

@Suite("What a directory writes")
struct DirectoryTests {
    private func json(_ text: String) throws -> AnyJSON {
        try JSONDecoder().decode(AnyJSON.self, from: Data(text.utf8))
    }

    @Test(
        "as a patch is read as Entra ID and Okta write it",
        arguments: [
            (
                #"{"Operations": [{"op": "replace", "path": "active", "value": false}]}"#,
                DirectoryChange(isActive: false)
            ),
            (
                #"{"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}"#,
                DirectoryChange(isActive: false)
            ),
            (#"{"operations": [{"op": "replace", "value": {"active": true}}]}"#, DirectoryChange(isActive: true)),
            (
                #"{"Operations": [{"op": "Add", "path": "userName", "value": "b@x.example"}, {"op": "add", "path": "displayName", "value": "B"}]}"#,
                DirectoryChange(email: "b@x.example", display: "B")
            ),
            (
                #"{"Operations": [{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}]}"#,
                DirectoryChange(isActive: false)
            ),
            (#"{"Operations": [{"op": "replace", "path": "title", "value": "Dr"}]}"#, DirectoryChange()),
            (#"{"Operations": [{"op": "remove", "path": "title"}]}"#, DirectoryChange()),
        ])
    func patches(text: String, change: DirectoryChange) throws {
        #expect(try DirectoryPatch.change(json(text)) == change)
    }

    @Test(
        "is refused where it cannot be meant",
        arguments: [
            "{}", #"{"Operations": []}"#, #"{"Operations": [{"op": "move"}]}"#,
            #"{"Operations": [{"op": "replace", "path": "active"}]}"#,
            #"{"Operations": [{"op": "replace", "path": "active", "value": "perhaps"}]}"#,
            #"{"Operations": [{"op": "remove", "path": "active"}]}"#,
            #"{"Operations": [{"op": "replace", "value": 1}]}"#,
            #"{"Operations": [{"op": "replace", "path": "userName", "value": 1}]}"#,
        ])
    func refused(text: String) throws {
        #expect(throws: Refusal.self) { try DirectoryPatch.change(json(text)) }
    }

    @Test("as a whole user is read with a name from wherever it stands")
    func users() throws {
        let user = try json(
            #"{"userName": "a@x.example", "name": {"givenName": "A", "familyName": "B"}, "active": "True", "x": 1}"#)
        #expect(
            try DirectoryResource.change(user) == DirectoryChange(email: "a@x.example", display: "A B", isActive: true))
        #expect(try DirectoryResource.change(json(#"{"userName": "a@x.example"}"#)).isActive == true)
        #expect(throws: Refusal.self) { try DirectoryResource.change(json(#"{"displayName": "A"}"#)) }
    }

    @Test("is answered in SCIM's own form")
    func answers() async throws {
        let id = WireSamples.directoryUser.id
        let one = try await visit(.get, "/scim/v2/Users/\(id)")
        #expect(one.status == .ok)
        #expect(one.headers[.contentType] == "application/scim+json")
        #expect(try one.json["userName"] == "alice@acme.example")
        let list = try await visit(.get, "/scim/v2/Users?filter=userName+eq+%22a%2Bb@x.example%22&count=0")
        #expect(try list.json["totalResults"] == .integer(1))
        #expect(try list.json["Resources"] == [])
        for filter in ["emails+co+%22x%22", "userName+eq+x", "userName+eq+%22a%22+or+active+eq+true"] {
            #expect(try await visit(.get, "/scim/v2/Users?filter=\(filter)").status == .badRequest)
        }
        #expect(try await visit(.get, "/scim/v2/Users/nobody").status == .notFound)
        let none = try await visit(.get, "/scim/v2/Users", token: nil)
        #expect(none.status == .unauthorized)
        #expect(try none.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"])
        #expect(try await visit(.get, "/scim/v2/ServiceProviderConfig").status == .ok)
        #expect(try await visit(.delete, "/scim/v2/Users/\(id)").status == .noContent)
        #expect(try await visit(.patch, "/scim/v2/Users/\(id)", "[1]").status == .badRequest)
    }
}
