import Foundation
import Kernel
import Outbound

extension OutboundHTTP {
    /// Sends a request to a store of secrets.
    /// - Throws: `secretsUnavailable` if there is no answer.
    func ask(_ request: OutboundRequest) async throws -> OutboundResponse {
        do {
            return try await send(request)
        } catch let failure as OutboundFailure {
            throw Problem(
                .secretsUnavailable, "The store of secrets does not answer: \(failure.problem.detail)",
                hint: failure.problem.hint ?? "Look whether it runs.", cause: failure)
        }
    }
}

extension OutboundResponse {
    /// - Throws: `secretsUnavailable` if it is not what a store of secrets answers.
    func decoded<Value: Decodable>(
        _: Value.Type = Value.self, by decoder: JSONDecoder = .snakeCase
    ) throws -> Value {
        do {
            return try decoder.decode(Value.self, from: body)
        } catch {
            // Without the cause: it could quote the answer.
            throw Problem(
                .secretsUnavailable, "The store of secrets gives an answer that cannot be understood.",
                hint: "Check its address, and what stands between.")
        }
    }
}

extension JSONDecoder {
    /// `lease_duration` in JSON is `leaseDuration` here.
    static var snakeCase: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}

/// A moment as JSON services write it (RFC 3339), with any number of digits after the second.
func moment(_ text: String) -> Date? {
    guard let parts = text.wholeMatch(of: /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)/),
        let seconds = try? Date("\(parts.1)\(parts.3)", strategy: .iso8601)
    else { return nil }
    return seconds + (parts.2.flatMap { Double("0\($0)") } ?? 0)
}
