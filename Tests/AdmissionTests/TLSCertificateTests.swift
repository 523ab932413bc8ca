import Foundation
import Kernel
import Synchronization
import Testing

@testable import Admission

@Suite("The server's certificate", .serialized)
final class TLSCertificateTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "weir-tls-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// `NAME.pem` and `NAME.key`, made by openssl.
    private func make(_ name: String, days: Int = 30) throws -> NetworkSettings.TLSFiles {
        try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/CN=\(name)",
            "-days", "\(days)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
        ])
        return NetworkSettings.TLSFiles(certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    private func refusal(
        _ certificate: String, _ key: String, after: TimeInterval = 0
    ) -> String? {
        do {
            _ = try TLSCertificate(NetworkSettings.TLSFiles(certificate: certificate, key: key)) {
                Date(timeIntervalSinceNow: after)
            }
            return nil
        } catch {
            #expect(error.code == .invalidInput && !error.description.contains("\n"))
            return error.detail
        }
    }

    @Test("each way to be wrong is one line that names the file")
    func wrong() throws {
        let (a, b) = (try make("a"), try make("b"))
        #expect(refusal(a.certificate, a.key) == nil)
        #expect(refusal("\(folder)/none.pem", a.key)?.contains("none.pem, cannot be read") == true)
        #expect(refusal(a.certificate, "\(folder)/none.key")?.contains("none.key, cannot be read") == true)
        #expect(refusal(a.key, a.key)?.contains("a.key holds no certificate") == true)
        #expect(refusal(a.certificate, a.certificate)?.contains("a.pem holds no private key") == true)
        #expect(refusal(a.certificate, b.key)?.contains("b.key does not belong") == true)
        #expect(refusal(a.certificate, a.key, after: 31 * 86_400)?.contains("has expired on 20") == true)
        #expect(refusal(a.certificate, a.key, after: -86_400)?.contains("is not valid before 20") == true)
        try openssl(["ec", "-in", a.key, "-aes128", "-passout", "pass:secret", "-out", "\(folder)/locked.key"])
        #expect(refusal(a.certificate, "\(folder)/locked.key")?.contains("needs no passphrase") == true)
    }

    @Test("files that change are used; a pair that is only half there is waited for, then told of once")
    func reload() throws {
        let files = try make("a")
        let certificate = try TLSCertificate(files)
        let first = certificate.context
        #expect(isNone(certificate.refresh()))
        #expect(certificate.context === first)
        let other = try make("b")
        try replace(files.certificate, with: other.certificate)
        #expect(isNone(certificate.refresh()), "the key may follow at once")
        #expect(certificate.context === first)
        guard case .refused(let problem) = certificate.refresh() else { throw Problem(.internal, "It was not told.") }
        #expect(problem.detail.contains("does not belong"))
        #expect(isNone(certificate.refresh()), "it is told once")
        try replace(files.key, with: other.key)
        guard case .reloaded = certificate.refresh() else { throw Problem(.internal, "It was not read again.") }
        #expect(certificate.context !== first)
        #expect(isNone(certificate.refresh()))
    }

    private func isNone(_ change: TLSCertificate.Change) -> Bool { if case .none = change { true } else { false } }

    private func replace(_ path: String, with other: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: other))
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
