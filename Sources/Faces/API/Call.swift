import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import Wire

/// A request that has been read and checked against its endpoint's words.
struct Call: Sendable {
    /// Bodies above this many bytes are refused.
    static let bodyLimit = 1_048_576

    let operations: any Operations
    /// Where secrets that an endpoint makes are said, so that their first use is not slowed.
    let attempts: AttemptLimits
    let heartbeats: Heartbeats
    let faults: FaultReport
    private let values: [String: String]
    private let body: Data

    /// - Throws: `Refusal` (400, 413, 415) with one sentence about the first thing that is wrong.
    static func read(
        _ request: Request, for endpoint: Endpoint, _ captures: Parameters, api: API, faults: FaultReport
    ) async throws -> Call {
        let values = try parameterValues(request, endpoint, captures)
        let body = try await bodyData(request, shape: endpoint.body)
        return Call(api, faults: faults, values: values, body: body)
    }

    private init(_ api: API, faults: FaultReport, values: [String: String], body: Data) {
        operations = api.operations
        attempts = api.attempts
        heartbeats = api.heartbeats
        self.faults = faults
        self.values = values
        self.body = body
    }

    /// A parameter that was given.
    func text(_ name: String) -> String? { values[name] }

    /// A parameter that must be given: it is there.
    func part(_ name: String) -> String { values[name] ?? "" }

    /// A parameter of several values, separated by commas; none if it was not given.
    func list(_ name: String) -> [String] { values[name]?.split(separator: ",").map(String.init) ?? [] }

    func integer(_ name: String, default fallback: Int) -> Int { values[name].flatMap { Int($0) } ?? fallback }

    /// The place that the parameters `organization` and `environment` mean.
    var place: PlaceRequest { PlaceRequest(organization: text("organization"), environment: text("environment")) }

    /// The run that the path names.
    func runID() throws -> RunID {
        guard let id = RunID(part("id")) else { throw Refusal.invalid("The run's id must be a UUID.") }
        return id
    }

    /// The body, which has the endpoint's shape.
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        do {
            return try WireJSON.decode(type, from: body)
        } catch is DecodingError {
            throw Refusal.invalid("The body does not have the fields that this address takes.")
        }
    }
}

private func parameterValues(
    _ request: Request, _ endpoint: Endpoint, _ captures: Parameters
) throws -> [String: String] {
    var values: [String: String] = [:]
    for (key, value) in request.uri.queryParameters {
        let name = key.removingPercentEncoding ?? String(key)
        guard endpoint.parameters.contains(where: { $0.place == .query && $0.name == name }) else {
            throw Refusal.invalid("There is no query parameter `\(name.prefix(60))` here.", hint: hint(endpoint))
        }
        guard values.updateValue(String(value), forKey: name) == nil else {
            throw Refusal.invalid("The query parameter `\(name)` is given twice.")
        }
    }
    for parameter in endpoint.parameters {
        switch parameter.place {
        case .path:
            // Under another endpoint's literal path (`shadowed`) the router captures nothing.
            let part = captures.get(parameter.name) ?? endpoint.capture(parameter.name, in: request.uri.path)
            values[parameter.name] = part.map { $0.removingPercentEncoding ?? $0 }
        case .header: values[parameter.name] = HTTPField.Name(parameter.name).flatMap { request.headers[$0] }
        case .query: break
        }
        guard let value = values[parameter.name] else {
            guard !parameter.isRequired || parameter.place == .path else {
                throw Refusal.invalid("The query lacks `\(parameter.name)`.", hint: hint(endpoint))
            }
            continue
        }
        if let fault = parameter.schema.fault(inText: value) {
            throw Refusal.invalid("The parameter `\(parameter.name)` must be \(fault).")
        }
    }
    return values
}

private func hint(_ endpoint: Endpoint) -> String {
    let names = endpoint.parameters.filter { $0.place == .query }.map(\.name)
    return names.isEmpty ? "This address takes none." : "This address takes: \(names.joined(separator: ", "))."
}

private func bodyData(_ request: Request, shape: Shape?) async throws -> Data {
    guard let shape else { return Data() }
    if let type = request.headers[.contentType], !isJSON(type) {
        throw Refusal(
            Problem(.unsupported, "The body must be JSON.", hint: "Send the header Content-Type: application/json."),
            status: 415)
    }
    let data = try await collect(request)
    guard let value = try? JSONDecoder().decode(AnyJSON.self, from: data) else {
        throw Refusal.invalid("The body is not valid JSON.")
    }
    if let fault = Schema.shape(shape).fault(in: value, at: "The body") {
        throw Refusal.invalid(fault)
    }
    return data
}

private func isJSON(_ contentType: String) -> Bool {
    let type = contentType.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
    return type == "application/json"
}

private func collect(_ request: Request) async throws -> Data {
    do {
        return Data(try await request.body.collect(upTo: Call.bodyLimit).readableBytesView)
    } catch is NIOTooManyBytesError {
        throw Refusal.invalid("The body is larger than 1 MB, the most that is taken.", status: 413)
    }
}
