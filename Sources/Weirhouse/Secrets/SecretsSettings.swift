import Foundation
import Kernel
import Outbound
import Secrets

/// Where secrets are kept (docs/secrets.md): `WEIR_SECRETS`, and what that place asks for.
struct SecretsSettings: Sendable {
    /// `local`, or an address: `openbao://…`, `aws://…`, `gcp://…`.
    var place = "local"
    /// The variables that signing in and unwrapping take.
    private var variables: [String: Secret<String>] = [:]

    /// Whoever runs other people's SQL or code must not see them.
    static let names = [
        "WEIR_MASTER_KEY", "WEIR_MASTER_KEY_FILE", "CREDENTIALS_DIRECTORY", "WEIR_OPENBAO_ROLE_ID",
        "WEIR_OPENBAO_SECRET_ID", "WEIR_OPENBAO_SECRET_ID_FILE", "WEIR_OPENBAO_TOKEN", "WEIR_OPENBAO_TOKEN_FILE",
        "WEIR_OPENBAO_CA_FILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ]

    init() {}

    /// - Throws: `invalidInput` for a place that there is not.
    static func read(_ environment: [String: String]) throws -> SecretsSettings {
        var settings = SecretsSettings()
        settings.place = environment["WEIR_SECRETS"] ?? "local"
        for name in names { settings.variables[name] = environment[name].map { Secret($0) } }
        _ = try settings.kind()
        return settings
    }

    // MARK: - Master keys

    /// Of `WEIR_MASTER_KEY`, of the file that `WEIR_MASTER_KEY_FILE` names, of systemd's credential `weir-master-key`
    /// (systemd.exec(5), "CREDENTIALS_DIRECTORY"), and of the data folder; the first one found seals, all open.
    func masterKeys(_ folder: DataFolder) -> MasterKeys {
        let isLocal = place == "local"
        return MasterKeys { [variables] in
            var keys: [MasterKey] = []
            if let text = variables["WEIR_MASTER_KEY"] {
                keys += try MasterKey.read(Data(text.reveal().utf8), from: "WEIR_MASTER_KEY")
            }
            if let file = variables["WEIR_MASTER_KEY_FILE"] {
                keys += try MasterKey.read(
                    Self.contents(file.reveal(), of: "WEIR_MASTER_KEY_FILE"), from: file.reveal())
            }
            if let credentials = variables["CREDENTIALS_DIRECTORY"] {
                let file = "\(credentials.reveal())/weir-master-key"
                if let data = FileManager.default.contents(atPath: file) {
                    keys += try MasterKey.read(data, from: file)
                }
            }
            if let data = try folder.masterKey(isMade: isLocal && keys.isEmpty) {
                keys += try MasterKey.read(data, from: "\(folder.path)/master.key")
            }
            return keys.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    // MARK: - Stores

    /// The store that is set. Another one than the database's takes over what was kept there.
    /// - Throws: `invalidInput` for settings that cannot be used.
    func store(before local: LocalSecretStore, time: TimeSource, observe: @escaping Observe) throws -> any SecretStore {
        switch try kind() {
        case .local: return local
        case .openBao(let location):
            let http = try http(observe, certificates: variables["WEIR_OPENBAO_CA_FILE"]?.reveal())
            return MovingSecretStore(to: OpenBaoSecretStore(location, try openBaoSignIn(), http: http), from: local)
        case .aws(let location):
            let store = AWSSecretStore(location, credentials: try awsCredentials(), http: try http(observe), time: time)
            return MovingSecretStore(to: store, from: local)
        case .google(let project):
            let store = try GoogleSecretStore(
                project: project, signIn: try googleSignIn(), http: OutboundHTTP(.everything, observe: observe),
                time: time)
            return MovingSecretStore(to: store, from: local)
        }
    }

    private enum Kind {
        case local
        case openBao(OpenBaoLocation)
        case aws(AWSSecretLocation)
        case google(String)
    }

    private func kind() throws -> Kind {
        if place == "local" { return .local }
        if place.hasPrefix("openbao://") || place.hasPrefix("vault://") { return .openBao(try OpenBaoLocation(place)) }
        if place.hasPrefix("aws://") { return .aws(try AWSSecretLocation(place)) }
        if place.hasPrefix("gcp://") { return .google(String(place.dropFirst("gcp://".count))) }
        throw Problem(
            .invalidInput, "WEIR_SECRETS names no store of secrets.",
            hint: "Use local, openbao://host:8200/secret, aws://region/prefix or gcp://project.")
    }

    /// Whoever runs Weirhouse has named the address: it may be private.
    private func http(_ observe: @escaping Observe, certificates: String? = nil) throws -> OutboundHTTP {
        OutboundHTTP(
            try AddressGuard(allowing: "0.0.0.0/0 ::/0"), certificateAuthorities: certificates, observe: observe)
    }

    private func openBaoSignIn() throws -> OpenBaoSignIn {
        if let token = try text("WEIR_OPENBAO_TOKEN") { return .token(token) }
        guard let role = variables["WEIR_OPENBAO_ROLE_ID"], try text("WEIR_OPENBAO_SECRET_ID") != nil else {
            throw Problem(
                .invalidInput, "OpenBao needs a sign-in.",
                hint: "Set WEIR_OPENBAO_ROLE_ID and WEIR_OPENBAO_SECRET_ID_FILE (or WEIR_OPENBAO_TOKEN_FILE).")
        }
        return .appRole(roleID: role.reveal()) {
            guard let secret = try text("WEIR_OPENBAO_SECRET_ID") else {
                throw Problem(.secretsRefused, "There is no secret id for OpenBao.", hint: "Put one in its file.")
            }
            return secret
        }
    }

    private func awsCredentials() throws -> AWSCredentials {
        guard let id = variables["AWS_ACCESS_KEY_ID"], let secret = variables["AWS_SECRET_ACCESS_KEY"] else {
            throw Problem(
                .invalidInput, "AWS needs an access key.", hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
        }
        return AWSCredentials(
            accessKeyID: id.reveal(), secretAccessKey: secret, sessionToken: variables["AWS_SESSION_TOKEN"])
    }

    private func googleSignIn() throws -> GoogleSignIn {
        guard let file = variables["GOOGLE_APPLICATION_CREDENTIALS"]?.reveal() else { return .machine }
        return .serviceAccount(
            try GoogleServiceAccount(json: try Self.contents(file, of: "GOOGLE_APPLICATION_CREDENTIALS")))
    }

    /// A variable, or the text of the file that the variable with `_FILE` names.
    private func text(_ name: String) throws -> Secret<String>? {
        if let value = variables[name] { return value }
        guard let file = variables["\(name)_FILE"]?.reveal() else { return nil }
        let text = String(decoding: try Self.contents(file, of: "\(name)_FILE"), as: UTF8.self)
        return Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func contents(_ file: String, of name: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Problem(.invalidInput, "The file that \(name) names cannot be read.", hint: "Check \(file).")
        }
        return data
    }
}
