import Foundation
import Kernel
import Outbound
import Peers

/// What `receiver.py` tells of a request.
struct ReceivedRequest: Decodable, Sendable {
    let method: String
    let path: String
    /// By lower-case name.
    let headers: [String: String]
    private let body: Data

    var bytes: Data { body }
}

/// What `certificate.py` makes.
struct Certificates: Decodable, Sendable {
    let authority: String
    let certificate: String
    let key: String

    /// Makes an authority and a certificate for localhost and 127.0.0.1, hands them to `work` and removes them.
    static func use<Value: Sendable>(_ work: @Sendable (Certificates) async throws -> Value) async throws -> Value {
        let folder = NSTemporaryDirectory() + "weir_certificates_\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = try await Peer.use("certificate.py", [folder]) { try await $0.ready(Certificates.self) }
        return try await work(files)
    }
}

extension Peer {
    func address(_ path: String, scheme: String = "http", host: String = "127.0.0.1") throws -> WebAddress {
        try WebAddress("\(scheme)://\(host):\(port)\(path)")
    }
}

extension AddressGuard {
    /// For peers on this machine.
    static func local() throws -> AddressGuard { try AddressGuard(allowing: "127.0.0.0/8, ::1") }
}

/// The failure that `work` throws, or nil.
func failure(_ work: () async throws -> Void) async throws -> OutboundFailure? {
    do {
        try await work()
        return nil
    } catch let failure as OutboundFailure {
        return failure
    }
}
