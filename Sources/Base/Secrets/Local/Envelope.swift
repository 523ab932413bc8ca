import Crypto
import Foundation
import Kernel
import Postgres

/// A data key, unwrapped.
struct DataKey: Sendable {
    let id: UUID
    let key: Secret<[UInt8]>

    /// A fresh one with what it is wrapped as.
    static func make(
        _ id: UUID, for organization: OrganizationID, under master: MasterKey
    ) throws -> (key: DataKey, wrapped: Data) {
        let key = DataKey(id: id, key: Secret(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }))
        return (key, try key.wrapped(for: organization, under: master))
    }

    /// NIST SP 800-38D; the organization and both keys' ids are authenticated with it.
    func wrapped(for organization: OrganizationID, under master: MasterKey) throws -> Data {
        try sealed(key.reveal(), with: master.key, Self.context(id, organization, master.id))
    }

    static func unwrap(
        _ wrapped: Data, _ id: UUID, of organization: OrganizationID, under master: MasterKey
    ) throws -> DataKey {
        DataKey(id: id, key: Secret(try opened(wrapped, with: master.key, context(id, organization, master.id))))
    }

    private static func context(_ id: UUID, _ organization: OrganizationID, _ master: String) -> Data {
        Data("weirhouse data key\n\(organization)\n\(id.uuidString.lowercased())\n\(master)".utf8)
    }

    var symmetric: SymmetricKey { SymmetricKey(data: key.reveal()) }
}

/// A row of `weir.secrets`, with the data key that it is sealed under.
struct SealedSecret: Sendable {
    let name: String
    let organization: OrganizationID
    let version: Int
    let ciphertext: Data
    /// Nil for a row from before data keys.
    let dataKey: WrappedKey?

    struct WrappedKey: Sendable {
        let id: UUID
        let master: String
        let wrapped: Data
    }

    /// The columns that `init` reads; the tables are `s` and `d`.
    static let columns: SQL = """
        s.name, s.version, encode(s.ciphertext, 'base64') AS sealed, s.data_key_id AS key_id, d.master_key,
          encode(d.wrapped, 'base64') AS wrapped
        """
    static let tables: SQL = "weir.secrets s LEFT JOIN weir.data_keys d USING (organization_id, data_key_id)"

    init(_ row: PGRow, of organization: OrganizationID) throws {
        name = try row.string("name")
        self.organization = organization
        version = Int(try row.int("version"))
        ciphertext = try row.bytes("sealed")
        dataKey =
            try row.optional("key_id") == nil
            ? nil
            : WrappedKey(
                id: try row.id("key_id", SecretDataKeyTag.self).uuid, master: try row.string("master_key"),
                wrapped: try row.bytes("wrapped"))
    }

    /// - Throws: `internal` if it was changed, or the master key is not there.
    func open(with keys: MasterKeys) throws -> Secret<[UInt8]> {
        guard let dataKey else { return try openOld(with: keys) }
        let master = try keys.key(dataKey.master)
        do {
            let key = try DataKey.unwrap(dataKey.wrapped, dataKey.id, of: organization, under: master)
            let context = Self.context(name, organization, version: version)
            return Secret(try opened(ciphertext, with: key.symmetric, context))
        } catch {
            throw damaged(error)
        }
    }

    /// As migration 0001 had it: under the master key itself, whichever it was.
    private func openOld(with keys: MasterKeys) throws -> Secret<[UInt8]> {
        var failure: any Error = CryptoKitError.authenticationFailure
        for master in try keys.reload() {
            do {
                let context = Data("\(organization)/\(name)".utf8)
                return Secret(try opened(ciphertext, with: master.key, context))
            } catch {
                failure = error
            }
        }
        throw damaged(failure)
    }

    private func damaged(_ error: any Error) -> Problem {
        Problem(
            .internal, "The secret \(name) cannot be opened with this master key.",
            hint: "Put back the master.key that the data folder was made with.", cause: error)
    }

    static func seal(
        _ value: Secret<[UInt8]>, _ name: String, of organization: OrganizationID, version: Int, under key: DataKey
    ) throws -> Data {
        try sealed(value.reveal(), with: key.symmetric, context(name, organization, version: version))
    }

    /// What is authenticated with a value: moved to another row it does not open, nor does an earlier value put back.
    private static func context(_ name: String, _ organization: OrganizationID, version: Int) -> Data {
        Data("weirhouse secret\n\(organization)\n\(name)\n\(version)".utf8)
    }
}

enum SecretDataKeyTag {}

private func sealed(_ bytes: [UInt8], with key: SymmetricKey, _ context: Data) throws -> Data {
    guard let box = try AES.GCM.seal(bytes, using: key, authenticating: context).combined else {
        throw Problem(.internal, "A secret could not be sealed.")
    }
    return box
}

private func opened(_ box: Data, with key: SymmetricKey, _ context: Data) throws -> [UInt8] {
    Array(try AES.GCM.open(AES.GCM.SealedBox(combined: box), using: key, authenticating: context))
}

extension PGRow {
    /// A column that was encoded in Base64.
    func bytes(_ column: String) throws -> Data {
        guard let data = Data(base64Encoded: try string(column), options: .ignoreUnknownCharacters) else {
            throw PGError.result(message: "Column \(column) has another type.")
        }
        return data
    }
}
