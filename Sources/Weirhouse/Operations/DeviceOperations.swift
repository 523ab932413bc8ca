import Access
import Foundation
import Kernel
import Roles
import Wire

/// Signing a command line in through a browser (RFC 8628).
extension LiveOperations {
    private var deviceBook: DeviceBook { DeviceBook(pool: house.pool, time: house.time) }

    func beginDevice(_ request: DeviceRequest) async throws -> DeviceStarted {
        let machine = String(
            String.UnicodeScalarView(
                request.machine.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(100)))
        guard machine.contains(where: { !$0.isWhitespace }) else {
            throw Problem(.invalidInput, "The machine has no name.", hint: "Say which machine asks.")
        }
        let scopes = request.scopes ?? ["all"]
        _ = try Scope.permissions(of: scopes)
        let codes = try await metadata {
            try await deviceBook.begin(
                machine: machine, scopes: scopes, from: RequestOrigin.current?.address?.description)
        }
        let page = "\(address())/device"
        return DeviceStarted(
            deviceCode: codes.device.reveal(), userCode: codes.user, verificationUri: page,
            verificationUriComplete: "\(page)?code=\(codes.user)",
            expiresIn: Int(DeviceBook.lifetime / .seconds(1)), interval: DeviceBook.pause)
    }

    func pollDevice(code: String) async throws -> DeviceWord {
        let word = try await metadata {
            try await deviceBook.poll(code, from: RequestOrigin.current?.address?.description)
        }
        switch word {
        case .pending: return .authorizationPending
        case .slowDown(let seconds): return .slowDown(seconds)
        case .denied: return .accessDenied
        case .expired: return .expiredToken
        case .approved(let approved):
            let seconds = Int(approved.expiresAt.timeIntervalSince(house.time.now()).rounded())
            return .granted(
                DeviceToken(
                    accessToken: approved.token.reveal(), expiresIn: max(0, seconds),
                    scope: (approved.scopes ?? ["all"]).joined(separator: " "), organization: approved.organization,
                    name: approved.person))
        }
    }

    func device(userCode: String, as caller: Caller) async throws -> DeviceView {
        let found = try await metadata {
            try await deviceBook.find(userCode, by: caller.principal, of: caller.organization)
        }
        guard let found else { throw Self.noDevice }
        return DeviceView(
            userCode: userCode, machine: found.machine, address: found.from, scopes: found.scopes,
            secondsLeft: found.secondsLeft)
    }

    func answerDevice(userCode: String, _ approval: DeviceApproval?, as caller: Caller) async throws {
        let answer = try approval.map { approval in
            DeviceBook.Approval(
                scopes: try Scope.permissions(of: approval.scopes) == nil ? nil : approval.scopes,
                lifetime: try Self.lifetime(days: approval.days))
        }
        let isTaken = try await metadata {
            try await deviceBook.answer(userCode, answer, by: caller.principal, of: caller.organization)
        }
        guard isTaken else { throw Self.noDevice }
    }

    private static let noDevice = Problem(
        .notFound, "No sign-in waits with this code.",
        hint: "Codes are good for ten minutes and for one answer: run weir login again for a new one.")
}
