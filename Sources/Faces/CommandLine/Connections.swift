import AsyncHTTPClient
import Foundation
import Kernel
import NIOCore
import NIOSSL
import Synchronization

/// The HTTP clients of this process. Never shut down: they live as long as it.
enum Connections {
    enum Patience: Hashable {
        /// For answers that may take long to begin.
        case long
        /// Silence for 45 seconds is an error.
        case whileEventsCome
    }

    private struct Kind: Hashable {
        let patience: Patience
        let host: String
        let connect: String?
    }

    private static let clients = Mutex<[Kind: HTTPClient]>([:])

    /// - Throws: `invalidInput` if WEIR_CA_FILE names no certificates.
    static func client(_ patience: Patience, for server: DataFolder.Server) throws -> HTTPClient {
        let host = server.connect == nil ? "" : URLComponents(string: server.address)?.host ?? ""
        let kind = Kind(patience: patience, host: host, connect: server.connect)
        return try clients.withLock { clients in
            if let client = clients[kind] { return client }
            let client = try make(kind)
            clients[kind] = client
            return client
        }
    }

    private static func make(_ kind: Kind) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try trust(ProcessInfo.processInfo.environment["WEIR_CA_FILE"]),
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: kind.patience == .long ? nil : .seconds(45)))
        if let connect = kind.connect { configuration.dnsOverride = [kind.host: connect] }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Whom the system trusts, and the authorities of a PEM file.
    static func trust(_ file: String?) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        guard let file, !file.isEmpty else { return configuration }
        do {
            let authorities = try NIOSSLCertificate.fromPEMFile(file)
            guard !authorities.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            configuration.additionalTrustRoots = [.certificates(authorities)]
            return configuration
        } catch {
            throw Problem(
                .invalidInput, "WEIR_CA_FILE, \(file), holds no certificates in PEM that can be read.",
                hint: "Name the file of the authority that the server's certificate is of.", cause: error)
        }
    }

    static func untrusted(_ cause: any Error) -> Problem {
        Problem(
            .unauthenticated, "The server's certificate is not trusted here.",
            hint: "If it is of your own authority, name the authority's PEM file in WEIR_CA_FILE.", cause: cause)
    }

    static func isAboutCertificate(_ error: any Error) -> Bool {
        if case .handshakeFailed? = error as? NIOSSLError { return true }
        return error is NIOSSLExtraError
    }
}
