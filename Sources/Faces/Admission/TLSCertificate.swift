package import Foundation
package import Kernel
package import NIOSSL
import Synchronization

/// The server's own certificate. When its files change, new connections get the new one; those that are open go on.
package final class TLSCertificate: Sendable {
    private let files: NetworkSettings.TLSFiles
    private let now: @Sendable () -> Date
    private let state: Mutex<State>

    private struct State {
        var context: NIOSSLContext
        var stamp: Stamp
        /// Files that could not be used, seen once: a certificate and its key are not replaced at one moment.
        var doubtful: Stamp?
        /// Those that were told of.
        var refused: Stamp?
    }

    /// What a look at the files has shown.
    package enum Change: Sendable {
        case none
        case reloaded
        /// The files are there but cannot be used; the old certificate is still shown.
        case refused(Problem)
    }

    /// - Throws: `invalidInput` if a file cannot be read or holds no PEM, if the key is not the certificate's, or if the
    ///   certificate is not valid now.
    package init(_ files: NetworkSettings.TLSFiles, now: @escaping @Sendable () -> Date = { Date() }) throws(Problem) {
        self.files = files
        self.now = now
        let stamp = Stamp(files)
        state = Mutex(State(context: try Self.load(files, at: now()), stamp: stamp))
    }

    /// For one connection.
    package var context: NIOSSLContext { state.withLock { $0.context } }

    /// Looks at the files, and uses them if they have changed.
    package func refresh() -> Change {
        let stamp = Stamp(files)
        guard state.withLock({ stamp != $0.stamp && stamp != $0.refused }) else { return .none }
        do {
            let context = try Self.load(files, at: now())
            state.withLock { state in
                state.context = context
                state.stamp = stamp
                state.doubtful = nil
                state.refused = nil
            }
            return .reloaded
        } catch {
            return state.withLock { state in
                guard state.doubtful == stamp else {
                    state.doubtful = stamp
                    return .none
                }
                state.refused = stamp
                return .refused(error)
            }
        }
    }

    /// Looks at the files again and again, until the task is cancelled.
    package func keepFresh(every pause: Duration = .seconds(2), observe: Observe) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            switch refresh() {
            case .none: continue
            case .reloaded:
                observe(.partStarted(part: "TLS certificate", detail: "read again from \(files.certificate)"))
            case .refused(let problem): observe(.partFailed(part: "TLS certificate", problem: problem))
            }
        }
    }
}

/// When files were changed, as far as the file system says.
private struct Stamp: Sendable, Equatable {
    private struct Mark: Sendable, Equatable {
        let number: UInt64?
        let bytes: UInt64?
        let changed: Date?
    }

    private let marks: [Mark]

    init(_ files: NetworkSettings.TLSFiles) {
        marks = [files.certificate, files.key].map { path in
            let found = try? FileManager.default.attributesOfItem(atPath: (path as NSString).resolvingSymlinksInPath)
            return Mark(
                number: (found?[.systemFileNumber] as? NSNumber)?.uint64Value,
                bytes: (found?[.size] as? NSNumber)?.uint64Value, changed: found?[.modificationDate] as? Date)
        }
    }
}

extension TLSCertificate {
    private static func load(_ files: NetworkSettings.TLSFiles, at now: Date) throws(Problem) -> NIOSSLContext {
        let chain = try certificates(files.certificate)
        try check(chain[0], of: files.certificate, at: now)
        let key = try key(files.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw refusal("The key in \(files.key) does not belong to the certificate in \(files.certificate).", error)
        }
    }

    /// At least one.
    private static func certificates(_ path: String) throws(Problem) -> [NIOSSLCertificate] {
        let bytes = try bytes(path, "certificate")
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(bytes)
            if !chain.isEmpty { return chain }
        } catch {
            throw refusal("The file \(path) holds no certificate in PEM.", error)
        }
        throw refusal("The file \(path) holds no certificate in PEM.", nil)
    }

    private static func key(_ path: String) throws(Problem) -> NIOSSLPrivateKey {
        let bytes = try bytes(path, "key")
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw refusal("The file \(path) holds no private key in PEM that needs no passphrase.", error)
        }
    }

    private static func bytes(_ path: String, _ what: String) throws(Problem) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw refusal("The file of the TLS \(what), \(path), cannot be read.", error)
        }
    }

    private static func check(_ certificate: NIOSSLCertificate, of path: String, at now: Date) throws(Problem) {
        let (first, last) = (Double(certificate.notValidBefore), Double(certificate.notValidAfter))
        if now.timeIntervalSince1970 > last {
            throw refusal("The certificate in \(path) has expired on \(day(last)).", nil)
        }
        if now.timeIntervalSince1970 < first {
            throw refusal("The certificate in \(path) is not valid before \(day(first)).", nil)
        }
    }

    private static func day(_ seconds: Double) -> Substring {
        Date(timeIntervalSince1970: seconds).rfc3339.prefix(10)
    }

    private static func refusal(_ detail: String, _ cause: (any Error)?) -> Problem {
        Problem(
            .invalidInput, detail, hint: "WEIR_TLS_CERTIFICATE and WEIR_TLS_KEY name the files that are used.",
            cause: cause)
    }
}
