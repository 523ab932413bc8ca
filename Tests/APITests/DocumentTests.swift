import Foundation
import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing
import Wire

@testable import API

@Suite struct DocumentTests {
    @Test("every endpoint answers as its document says, with every field that the document names", arguments: names)
    func answersFit(name: String) async throws {
        let endpoint = try #require(Endpoint.all.first { $0.name == name })
        let response = try await visit(endpoint.method, Sample.path(of: endpoint), Sample.body(of: endpoint))
        #expect(response.status.code == endpoint.answer.status)
        #expect(response.correlation?.count == 36)
        guard endpoint.answer.status != 204 else {
            #expect(endpoint.answer.contents.isEmpty && response.text == "")
            return
        }
        let content = try #require(endpoint.answer.contents.first)
        #expect(response.headers[.contentType] == content.mediaType)
        guard content.mediaType == "application/json", let schema = content.schema else { return }
        #expect(schema.fault(in: try response.json, at: "The answer") == nil)
        #expect(lacks(schema, try response.json) == [])
    }

    @Test("the document holds every route and no other")
    func routesAndDocumentAgree() async throws {
        let paths = try #require(try await visit(.get, "/api/v1/openapi.json", token: nil).json["paths"])
        guard case .object(let entries) = paths else { throw Problem(.internal, "paths is no object") }
        var documented: Set<String> = []
        for (path, operations) in entries {
            guard case .object(let methods) = operations else { continue }
            documented.formUnion(methods.keys.map { "\($0.uppercased()) \(path)" })
        }
        // Those of the directory are SCIM's, which RFC 7644 describes.
        let own = API.routes.filter { !$0.path.hasPrefix("/scim/") }
        #expect(documented == Set(own.map { "\($0.method) \($0.path)" }))
        #expect(documented.count == own.count)
        #expect(Set(Endpoint.all.map(\.name)).count == Endpoint.all.count)
    }

    @Test("every reference in the document leads somewhere, and every schema is used")
    func referencesResolve() throws {
        let text = String(decoding: try WireJSON.encode(OpenAPIDocument.value), as: UTF8.self)
        let used = Set(text.matches(of: /#\/components\/schemas\/(\w+)/).map { String($0.1) })
        guard case .object(let schemas) = OpenAPIDocument.value["components"]?["schemas"] else {
            throw Problem(.internal, "no schemas")
        }
        #expect(Set(schemas.keys) == used)
    }

    @Test("the captures of a path are its path parameters", arguments: names)
    func capturesAreParameters(name: String) throws {
        let endpoint = try #require(Endpoint.all.first { $0.name == name })
        let captures = endpoint.path.matches(of: /\{(\w+)\}/).map { String($0.1) }
        #expect(captures == endpoint.parameters.filter { $0.place == .path }.map(\.name))
    }

    @Test("openapi-spec-validator accepts the document", .enabled(if: Validator.isThere))
    func validatorAccepts() throws {
        #expect(try Validator.complaints(about: WireJSON.encode(OpenAPIDocument.value)) == "")
    }

    private static let names = Endpoint.all.map(\.name)
}

/// The fields of a schema that a value does not show anywhere.
private func lacks(_ schema: Schema, _ value: AnyJSON) -> [String] {
    switch (schema, value) {
    case (.nullable(let inner), _): return lacks(inner, value)
    case (.list(let item), .list(let values)): return values.isEmpty ? ["an empty list"] : lacks(item, values[0])
    case (.shape(let shape), .object(let members)):
        return shape.fields.flatMap { field in
            members[field.name].map { lacks(field.schema, $0) } ?? ["\(shape.name).\(field.name)"]
        }
    default: return []
    }
}

/// The Python package openapi-spec-validator, where the machine has it.
private enum Validator {
    static let isThere = (try? python("import openapi_spec_validator", Data())) == ""

    static func complaints(about document: Data) throws -> String {
        try python("import json,sys,openapi_spec_validator as v; v.validate(json.load(sys.stdin))", document)
    }

    private static func python(_ program: String, _ input: Data) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let (standardInput, standardError) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardError = standardError
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: input)
        try standardInput.fileHandleForWriting.close()
        let complaints = standardError.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? "" : String(decoding: complaints, as: UTF8.self)
    }
}
