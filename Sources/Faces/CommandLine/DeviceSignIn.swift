import AsyncHTTPClient
import Foundation
import Kernel
import NIOCore
import NIOHTTP1
import Wire

/// The command line's half of a sign-in through a browser (RFC 8628).
struct DeviceSignIn: Sendable {
    /// Without a slash at its end.
    let address: String
    /// Waits so many seconds.
    var wait: @Sendable (Int) async throws -> Void = { try await Task.sleep(for: .seconds($0)) }

    func begin(scopes: [String]?) async throws -> DeviceStarted {
        let request = DeviceRequest(machine: Self.machine, scopes: scopes)
        let (status, body) = try await post("/api/v1/device", request)
        guard status == 200 else { throw problem(status, body) }
        do {
            return try WireJSON.decode(DeviceStarted.self, from: body)
        } catch {
            throw notWeirhouse
        }
    }

    /// Asks until the person has answered, as often as it is let.
    func token(for started: DeviceStarted) async throws -> DeviceToken {
        var pause = max(1, started.interval)
        while true {
            try await wait(pause)
            let question = Question(
                deviceCode: started.deviceCode, grantType: "urn:ietf:params:oauth:grant-type:device_code")
            let (status, body) = try await post("/api/v1/device/token", question)
            if status == 200 { return try WireJSON.decode(DeviceToken.self, from: body) }
            switch (try? WireJSON.decode(OAuthError.self, from: body))?.error {
            case "authorization_pending": continue
            case "slow_down": pause += 5
            default: throw problem(status, body)
            }
        }
    }

    private struct Question: Encodable {
        let deviceCode: String
        let grantType: String
    }

    private struct OAuthError: Decodable {
        let error: String?
    }

    private func post(_ path: String, _ body: some Encodable) async throws -> (UInt, Data) {
        var request = HTTPClientRequest(url: address + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try WireJSON.encode(body)))
        let client = try Connections.client(.long, for: DataFolder.Server(address: address, token: ""))
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let data = Data(try await response.body.collect(upTo: 1 << 20).readableBytesView)
            return (response.status.code, data)
        } catch  where Connections.isAboutCertificate(error) {
            throw Connections.untrusted(error)
        } catch {
            throw Problem(
                .engineUnavailable, "There is no server at \(address).",
                hint: "Check the address and that Weirhouse runs there.", cause: error)
        }
    }

    private func problem(_ status: UInt, _ body: Data) -> Problem {
        (try? WireJSON.decode(SentProblem.self, from: body))?.problem ?? notWeirhouse
    }

    private var notWeirhouse: Problem {
        Problem(.unsupported, "What answers at \(address) is no Weirhouse.", hint: "Check the address.")
    }

    private static var machine: String {
        let name = ProcessInfo.processInfo.hostName
        let user = ProcessInfo.processInfo.environment["USER"] ?? NSUserName()
        return user.isEmpty ? name : "\(user) at \(name)"
    }
}
