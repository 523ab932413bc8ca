import Crypto
package import Foundation
package import Kernel
import Synchronization

/// 256 bits that wrap the data keys of organizations. It is nowhere in the database.
package struct MasterKey: Sendable, Equatable {
    /// What the database calls it: 16 hexadecimal digits that say nothing about it.
    package let id: String
    let bytes: Secret<[UInt8]>

    /// - Throws: `invalidInput` unless it has 32 bytes.
    package init(_ bytes: [UInt8]) throws(Problem) {
        guard bytes.count == 32 else {
            throw Problem(
                .invalidInput, "A master key has 32 bytes, and this one has \(bytes.count).",
                hint: "Make one with: openssl rand -base64 32")
        }
        self.bytes = Secret(bytes)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("weirhouse master key id".utf8), using: SymmetricKey(data: bytes))
        id = code.prefix(8).hexadecimal
    }

    var key: SymmetricKey { SymmetricKey(data: bytes.reveal()) }

    /// The keys of a file or variable: 32 bytes as they are, or Base64 with commas, blanks or new lines between.
    /// - Parameter source: what to call it in messages.
    /// - Throws: `invalidInput`.
    package static func read(_ data: Data, from source: String) throws(Problem) -> [MasterKey] {
        if data.count == 32 { return [try MasterKey(Array(data))] }
        var keys: [MasterKey] = []
        for word in String(decoding: data, as: UTF8.self).split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let bytes = Data(base64Encoded: String(word)), bytes.count == 32 else {
                throw Problem(
                    .invalidInput, "\(source) does not hold a master key.",
                    hint: "It holds 32 bytes in Base64, for each key: openssl rand -base64 32")
            }
            keys.append(try MasterKey(Array(bytes)))
        }
        guard !keys.isEmpty else {
            throw Problem(.invalidInput, "\(source) is empty.", hint: "Put a master key there, or remove it.")
        }
        return keys
    }
}

/// The master keys that this process knows. The first one seals; the others only open what they sealed before.
///
/// They are read when they are needed, and again when one is missing: a key that is added to a file is found without a
/// restart.
package final class MasterKeys: Sendable {
    private let read: @Sendable () throws -> [MasterKey]
    private let known = Mutex<[MasterKey]>([])

    /// - Parameter read: finds the keys, the one that seals first.
    package init(_ read: @escaping @Sendable () throws -> [MasterKey]) { self.read = read }

    /// The key that seals, read anew: it may have been changed.
    func sealing() throws -> MasterKey {
        guard let first = try reload().first else { throw Self.none }
        return first
    }

    /// - Throws: `internal` if it is not there.
    func key(_ id: String) throws -> MasterKey {
        if let key = known.withLock({ $0.first { $0.id == id } }) { return key }
        if let key = try reload().first(where: { $0.id == id }) { return key }
        throw Problem(
            .internal, "Secrets are sealed under the master key \(id), which is not there.",
            hint: "Put that key back: the data folder's master.key, or what WEIR_MASTER_KEY was.")
    }

    /// All, the one that seals first.
    /// - Throws: what reading them throws; `internal` if there is none.
    @discardableResult
    package func reload() throws -> [MasterKey] {
        let keys = try read()
        guard !keys.isEmpty else { throw Self.none }
        known.withLock { $0 = keys }
        return keys
    }

    private static let none = Problem(
        .internal, "There is no master key.", hint: "Put back the data folder's master.key, or set WEIR_MASTER_KEY.")
}
