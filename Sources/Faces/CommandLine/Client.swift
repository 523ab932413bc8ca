import AsyncHTTPClient
import Foundation
import Kernel
import NIOCore
import NIOHTTP1
import Wire

/// Requests to the API. Every method throws `Problem`s only: those of the API as they are.
struct Client: Sendable {
    let folder: DataFolder

    /// - Parameter minutes: after which it is given up.
    func get<Answer: Decodable>(
        _ path: String, as type: Answer.Type = Answer.self, minutes: Int64 = 2
    ) async throws -> Answer {
        try await answer(request(.GET, path), timeout: .minutes(minutes))
    }

    func post<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        var request = try request(.POST, path)
        try fill(&request, with: body)
        return try await answer(request)
    }

    func post<Answer: Decodable>(_ path: String) async throws -> Answer {
        try await answer(request(.POST, path))
    }

    func put<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        var request = try request(.PUT, path)
        try fill(&request, with: body)
        return try await answer(request)
    }

    /// The API answers 204, without a body.
    func delete(_ path: String) async throws {
        let response = try await execute(request(.DELETE, path), patience: .long, timeout: .minutes(2))
        _ = try await collected(response.body)
    }

    /// The answer as it is.
    func bytes(_ path: String) async throws -> Data {
        let response = try await execute(request(.GET, path), patience: .long, timeout: .minutes(2))
        return Data(try await collected(response.body).readableBytesView)
    }

    /// The API answers 204, without a body.
    func postForNothing(_ path: String, _ body: some Encodable) async throws {
        var request = try request(.POST, path)
        try fill(&request, with: body)
        let response = try await execute(request, patience: .long, timeout: .minutes(2))
        _ = try await collected(response.body)
    }

    /// The answer's bytes as they come.
    func stream(_ path: String, _ body: some Encodable) async throws -> HTTPClientResponse.Body {
        var request = try request(.POST, path)
        try fill(&request, with: body)
        return try await execute(request, patience: .long, timeout: .hours(24)).body
    }

    /// The answer's bytes as they come.
    func stream(_ path: String) async throws -> HTTPClientResponse.Body {
        try await execute(request(.GET, path), patience: .long, timeout: .hours(24)).body
    }

    /// A run's server-sent events after a log line. Silence for 45 seconds (three heartbeats) is an error.
    func events(of run: String, after sequence: Int64) async throws -> HTTPClientResponse.Body {
        var request = try request(.GET, "/api/v1/runs/\(run)/events")
        request.headers.add(name: "Accept", value: "text/event-stream")
        request.headers.add(name: "Last-Event-ID", value: String(sequence))
        return try await execute(request, patience: .whileEventsCome, timeout: .hours(24 * 30)).body
    }

    /// An address that the API gave, with the server's before it if it has none.
    func absolute(_ address: String) throws -> String {
        guard address.hasPrefix("/") else { return address }
        let server = try folder.server()
        return (server.publicAddress ?? server.address) + address
    }

    private func request(_ method: HTTPMethod, _ path: String) throws -> HTTPClientRequest {
        let server = try folder.server()
        var request = HTTPClientRequest(url: server.address + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(server.token)")
        return request
    }

    private func fill(_ request: inout HTTPClientRequest, with body: some Encodable) throws {
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try WireJSON.encode(body)))
    }

    private func answer<Answer: Decodable>(
        _ request: HTTPClientRequest, timeout: TimeAmount = .minutes(2)
    ) async throws -> Answer {
        let response = try await execute(request, patience: .long, timeout: timeout)
        let data = Data(try await collected(response.body).readableBytesView)
        do {
            return try WireJSON.decode(Answer.self, from: data)
        } catch {
            throw Problem(
                .unsupported, "The server's answer cannot be understood.",
                hint: "Use the same version of weir as the server's.", cause: error)
        }
    }

    private func execute(
        _ request: HTTPClientRequest, patience: Connections.Patience, timeout: TimeAmount
    ) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        let client = try Connections.client(patience, for: try folder.server())
        do {
            response = try await client.execute(request, timeout: timeout)
        } catch let error as HTTPClientError {
            throw problem(of: error)
        } catch  where Connections.isAboutCertificate(error) {
            throw Connections.untrusted(error)
        } catch {
            throw folder.notRunning
        }
        guard (200..<300).contains(response.status.code) else { throw await problem(of: response) }
        return response
    }

    private func problem(of error: HTTPClientError) -> Problem {
        switch error {
        case .deadlineExceeded, .readTimeout:
            Problem(.engineUnavailable, "The server does not answer.", hint: "Try again; weir status says more.")
        case .invalidURL, .emptyScheme, .emptyHost:
            Problem(.invalidInput, "The server's address is no web address.", hint: "Check WEIR_URL.")
        default:
            folder.notRunning
        }
    }

    private func problem(of response: HTTPClientResponse) async -> Problem {
        let body = try? await response.body.collect(upTo: 1 << 20)
        let view = body.flatMap { try? WireJSON.decode(SentProblem.self, from: Data($0.readableBytesView)) }
        return view?.problem
            ?? Problem(
                .internal, "The server answered with status \(response.status.code) and no explanation.",
                hint: "Check that the address is Weirhouse's.")
    }

    private func collected(_ body: HTTPClientResponse.Body) async throws -> ByteBuffer {
        do {
            return try await body.collect(upTo: 1 << 28)
        } catch {
            throw Problem(.engineUnavailable, "The server's answer broke off.", hint: "Try again.", cause: error)
        }
    }
}

/// A problem as the API sends it.
struct SentProblem: Decodable {
    let code: String
    let detail: String
    let hint: String?
    let correlationID: String?

    var problem: Problem {
        let known = Problem.Code(rawValue: code) ?? .internal
        guard known == .internal, let correlationID else { return Problem(known, detail, hint: hint) }
        return Problem(
            .internal, detail,
            hint: [hint, "(correlation id \(correlationID))"].compactMap(\.self).joined(separator: " "))
    }
}
